/** Labelled examples as JSON, one a line: texts with a label, or words with a tag each. */
import * as v from 'valibot';
import { ClozeError } from '../../../gpu/errors.ts';
import type { TaskExample } from '../task.ts';
import { checkTag } from './conll.ts';

const label = v.pipe(v.union([v.string(), v.number()]), v.transform(String));

const text = v.object({ text: v.string(), label });

const words = v.union([
  v.object({ tokens: v.array(v.string()), tags: v.array(v.string()) }),
  v.pipe(
    v.object({ tokens: v.array(v.string()), ner_tags: v.array(v.string()) }),
    v.transform(({ tokens, ner_tags }) => ({ tokens, tags: ner_tags })),
  ),
]);

export const isJsonLines = (source: string) => /\.jsonl$/i.test(source);

/** `{"text": …, "label": …}`. Throws ClozeError `input` naming the line. */
export function parseTextLines(file: string, source: string): TaskExample[] {
  const form = '{"text": "fine", "label": "good"}';
  return parseLines(file, source, text, form).map(({ value, where }) => ({
    text: value.text,
    labels: [value.label],
    where,
  }));
}

/** `{"tokens": […], "tags": […]}`, or `ner_tags`. Throws ClozeError `input` naming the line, above all where these differ in number. */
export function parseWordLines(file: string, source: string): TaskExample[] {
  const form = '{"tokens": ["Anna", "ran"], "tags": ["B-person", "O"]}';
  return parseLines(file, source, words, form).map(({ value: { tokens, tags }, where }) => {
    if (tokens.length !== tags.length) {
      const what = `there are ${tokens.length} tokens and ${tags.length} tags`;
      throw new ClozeError('input', `${where}: ${what}`, 'Give each token one');
    }
    for (const tag of tags) checkTag(tag, where);
    return { text: tokens.join(' '), words: tokens, labels: tags, where };
  });
}

function parseLines<T>(
  file: string,
  source: string,
  schema: v.GenericSchema<unknown, T>,
  form: string,
): { value: T; where: string }[] {
  const read: { value: T; where: string }[] = [];
  file.split(/\r?\n/).forEach((line, index) => {
    if (line.trim() === '') return;
    const where = `${source}, line ${index + 1}`;
    const result = v.safeParse(schema, jsonOf(line));
    if (!result.success) {
      throw new ClozeError('input', `${where} is no example: ${line.slice(0, 60)}`, `Write ${form}`);
    }
    read.push({ value: result.output, where });
  });
  if (read.length > 0) return read;
  throw new ClozeError('input', `${source} holds no example`, `Write ${form} on each line`);
}

/** Undefined, which no schema takes, for what is no JSON. */
function jsonOf(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
