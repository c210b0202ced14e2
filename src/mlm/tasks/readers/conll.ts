/** Words with a tag each, in CoNLL's form: a word, a tab or blank, its tag; an empty line between sentences. */
import { ClozeError } from '../../../gpu/errors.ts';
import type { TaskExample } from '../task.ts';

/** The first and the last column of each line. Throws ClozeError `input` for a word without a tag, and a tag that is not BIO. */
export function parseConll(text: string, source: string): TaskExample[] {
  const examples: TaskExample[] = [];
  let words: string[] = [];
  let labels: string[] = [];
  let first = 0;
  const end = () => {
    const where = `${source}, line ${first + 1}`;
    if (words.length > 0) examples.push({ text: words.join(' '), words, labels, where });
    [words, labels] = [[], []];
  };
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === '') {
      end();
      continue;
    }
    const columns = line.trim().split(/[\t ]+/);
    const tag = columns[columns.length - 1];
    if (columns.length < 2) {
      const what = `the word ${JSON.stringify(columns[0])} has no tag`;
      throw new ClozeError(
        'input',
        `${source}, line ${index + 1}: ${what}`,
        'Write a word, a tab and its tag',
      );
    }
    checkTag(tag, `${source}, line ${index + 1}`);
    if (words.length === 0) first = index;
    words.push(columns[0]);
    labels.push(tag);
  }
  end();
  if (examples.length > 0) return examples;
  throw new ClozeError(
    'input',
    `${source} holds no sentence`,
    'Write a word, a tab and its tag on each line',
  );
}

/** Throws ClozeError `input` for a tag that is not BIO. */
export function checkTag(tag: string, where: string): void {
  if (/^(O|[BI]-\S+)$/.test(tag)) return;
  throw new ClozeError(
    'input',
    `${where}: ${JSON.stringify(tag)} is no tag`,
    'Tags are O, B-type and I-type',
  );
}
