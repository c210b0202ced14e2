/** SQuAD's JSON: questions about contexts, each with the answers that are accepted and where they stand. */
import * as v from 'valibot';
import { ClozeError } from '../../../gpu/errors.ts';
import type { TaskExample } from '../task.ts';

const schema = v.object({
  data: v.array(
    v.object({
      paragraphs: v.array(
        v.object({
          context: v.string(),
          qas: v.array(
            v.object({
              id: v.string(),
              question: v.string(),
              answers: v.array(v.object({ text: v.string(), answer_start: v.number() })),
            }),
          ),
        }),
      ),
    }),
  ),
});

/**
 * Throws ClozeError `input` naming the question that has no answer, or one that does not stand in its context where the file
 * says. There, places are counted in code points; in an example, in UTF-16 units.
 */
export function parseSquad(text: string, source: string): TaskExample[] {
  const examples = readSquad(text, source).data.flatMap(({ paragraphs }) =>
    paragraphs.flatMap(({ context, qas }) => {
      const unitOf = unitsOf(context);
      return qas.map(({ id, question, answers }): TaskExample => {
        const where = `${source}, question ${id}`;
        if (answers.length === 0) {
          throw new ClozeError('input', `${where} has no answer`, 'Leave such questions out');
        }
        const starts = answers.map(({ text, answer_start }) => {
          const start = unitOf(answer_start);
          if (text.trim() !== '' && context.startsWith(text, start)) return start;
          const what = `the answer ${JSON.stringify(text)} is not at ${answer_start} of its context`;
          const at = context.indexOf(text);
          const remedy =
            at < 0 ? 'It is nowhere in it' : `It is at ${[...context.slice(0, at)].length}, in code points`;
          throw new ClozeError('input', `${where}: ${what}`, remedy);
        });
        return {
          text: question.trim(),
          pair: context,
          labels: answers.map(({ text }) => text),
          starts,
          where,
        };
      });
    }),
  );
  if (examples.length > 0) return examples;
  throw new ClozeError('input', `${source} holds no question`, "Give a file in SQuAD's form");
}

function readSquad(text: string, source: string): v.InferOutput<typeof schema> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new ClozeError('input', `${source} is not JSON: ${(error as Error).message}`);
  }
  const result = v.safeParse(schema, json);
  if (result.success) return result.output;
  const [{ path = [], message }] = result.issues;
  const place = path.map(({ key }) => String(key)).join('.') || 'the file';
  throw new ClozeError('input', `${source}: ${place}: ${message}`, "Give a file in SQuAD's form");
}

/** From code points to UTF-16 units; NaN for what is no place in the text. */
function unitsOf(text: string): (point: number) => number {
  if (!/[\ud800-\udfff]/.test(text)) return (point) => point;
  const units = [0];
  for (const character of text) units.push(units[units.length - 1] + character.length);
  return (point) => units[point] ?? Number.NaN;
}
