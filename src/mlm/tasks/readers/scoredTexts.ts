/** Texts, or pairs of texts, with a number each. */
import { ClozeError } from '../../../gpu/errors.ts';
import type { TaskExample } from '../task.ts';

/**
 * Lines of a text, a tab and a number, or of two texts and a number; a header line whose last column is `score` or `label` is
 * skipped. Throws ClozeError `input` naming the line.
 */
export function parseScoredTexts(text: string, source: string): TaskExample[] {
  const examples: TaskExample[] = [];
  text.split(/\r?\n/).forEach((line, index) => {
    if (line.trim() === '') return;
    const columns = line.split('\t').map((column) => column.trim());
    const score = columns.pop() ?? '';
    if (index === 0 && /^(score|label)$/i.test(score)) return;
    const where = `${source}, line ${index + 1}`;
    if (columns.length < 1 || columns.length > 2 || columns.includes('')) {
      const what = `it has ${columns.length + 1} column(s)`;
      throw new ClozeError(
        'input',
        `${where}: ${what}`,
        'Write one or two texts and a number, with tabs between',
      );
    }
    if (score === '' || !Number.isFinite(Number(score))) {
      throw new ClozeError('input', `${where}: ${JSON.stringify(score)} is no number`);
    }
    const [first, pair] = columns;
    examples.push({ text: first, ...(pair !== undefined && { pair }), labels: [score], where });
  });
  if (examples.length > 0) return examples;
  throw new ClozeError('input', `${source} holds no example`, 'Write texts and a number on each line');
}
