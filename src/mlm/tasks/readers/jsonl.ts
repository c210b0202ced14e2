/** Examples as JSONL: one object a line. */
import * as v from 'valibot';
import { ClozeError } from '../../../gpu/errors.ts';

/** A field that holds text, without the blanks around it. */
export const textField = v.pipe(v.string(), v.trim(), v.nonEmpty('it is empty'));

/**
 * The records of a text, in order; fields that the schema does not name are left aside. Throws ClozeError `input` naming `source` and
 * the line at fault.
 */
export function parseJsonl<Entries extends v.ObjectEntries>(
  text: string,
  source: string,
  entries: Entries,
): v.InferOutput<v.ObjectSchema<Entries, undefined>>[] {
  const schema = v.object(entries);
  const form = `Write one JSON object a line, with the fields ${Object.keys(entries).join(', ')}`;
  const records = text.split(/\r?\n/).flatMap((line, index) => {
    if (line.trim() === '') return [];
    const place = `${source}, line ${index + 1}`;
    const result = v.safeParse(schema, parseJson(line, place, form));
    if (result.success) return [result.output];
    const [issue] = result.issues;
    const field = issue.path?.map(({ key }) => String(key)).join('.') ?? 'the record';
    throw new ClozeError('input', `${place}: ${field} is not valid: ${issue.message}`, form);
  });
  if (records.length > 0) return records;
  throw new ClozeError('input', `${source} holds no example`, form);
}

function parseJson(line: string, place: string, form: string): unknown {
  try {
    return JSON.parse(line);
  } catch (cause) {
    throw new ClozeError('input', `${place} is not JSON`, form, { cause });
  }
}
