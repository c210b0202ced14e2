/** SemEval-2010 task 8: a numbered, quoted sentence with <e1> and <e2>, its relation, a comment, an empty line. */
import { ClozeError } from '../../../gpu/errors.ts';
import type { TaskExample } from '../task.ts';

/** Throws ClozeError `input` naming the line of a sentence without both nominals, or of a relation of another form. */
export function parseSemeval(text: string, source: string): TaskExample[] {
  const lines = text.split(/\r?\n/);
  const examples: TaskExample[] = [];
  lines.forEach((line, index) => {
    const sentence = /^\d+\t"(.*)"\s*$/.exec(line)?.[1];
    if (sentence === undefined) return;
    checkNominals(sentence, `${source}, line ${index + 1}`);
    const relation = lines[index + 1]?.trim() ?? '';
    if (!/^(Other|[\w-]+\(e[12],e[12]\))$/.test(relation)) {
      const what = `${JSON.stringify(relation)} is no relation`;
      throw new ClozeError('input', `${source}, line ${index + 2}: ${what}`, 'Write Other, or Name(e1,e2)');
    }
    examples.push({ text: sentence, labels: [relation], where: `${source}, line ${index + 1}` });
  });
  if (examples.length > 0) return examples;
  throw new ClozeError('input', `${source} holds no example`, 'Write a number, a tab and a quoted sentence');
}

/** Throws ClozeError `input` unless <e1>…</e1> stands in the sentence once, and <e2>…</e2>. */
export function checkNominals(sentence: string, where: string): void {
  for (const name of ['e1', 'e2']) {
    if (sentence.split(`<${name}>`).length === 2 && new RegExp(`<${name}>.+</${name}>`).test(sentence))
      continue;
    throw new ClozeError(
      'input',
      `${where}: there is no <${name}>…</${name}>, or several`,
      'Mark both nominals once',
    );
  }
}
