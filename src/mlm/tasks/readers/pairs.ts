/** Sentences and their translations, as Tatoeba's are published: a sentence, a tab, its translation a line. */
import { ClozeError } from '../../../gpu/errors.ts';
import type { TaskExample } from '../task.ts';

/** Columns behind the second are left aside. Throws ClozeError `input` naming the line where one of the two is missing. */
export function parsePairs(text: string, source: string): TaskExample[] {
  const examples: TaskExample[] = [];
  text.split(/\r?\n/).forEach((line, index) => {
    if (line.trim() === '') return;
    const [sentence = '', translation = ''] = line.split('\t').map((column) => column.trim());
    if (sentence === '' || translation === '') {
      throw new ClozeError(
        'input',
        `${source}, line ${index + 1}: it wants a sentence, a tab and its translation, and is ${JSON.stringify(line.slice(0, 60))}`,
      );
    }
    examples.push({ text: sentence, labels: [translation] });
  });
  if (examples.length > 0) return examples;
  throw new ClozeError(
    'input',
    `${source} holds no example`,
    'Write a sentence, a tab and its translation a line',
  );
}
