/** Texts with one label each, in the forms in which the field publishes them. */
import Papa from 'papaparse';
import { ClozeError } from '../../../gpu/errors.ts';
import type { TaskExample } from '../task.ts';

/**
 * By the ending of `source`: `.csv` with quoted fields and `.tsv`, each with the text before the label (a header line
 * `text,label` or `text,category` is skipped), otherwise lines of a label, a blank and the text, of whose label only what stands before a
 * colon counts (TREC's coarse classes). Throws ClozeError `input`.
 */
export function parseLabelledTexts(text: string, source: string): TaskExample[] {
  const examples = /\.csv$/i.test(source) ? fromCsv(text, source) : fromLines(text, source);
  if (examples.length > 0) return examples;
  throw new ClozeError('input', `${source} holds no example`, 'Give a file with texts and their labels');
}

function fromCsv(text: string, source: string): TaskExample[] {
  const { data, errors } = Papa.parse<string[]>(text, { delimiter: ',', skipEmptyLines: true });
  const [broken] = errors;
  if (broken) {
    throw new ClozeError('input', `${source}, record ${(broken.row ?? 0) + 1}: ${broken.message}`);
  }
  return data.slice(isHeader(data[0]) ? 1 : 0).map((fields, i) => {
    if (fields.length !== 2 || fields.some((field) => field.trim() === '')) {
      const what = `example ${i + 1} has ${fields.length} field(s), and wants a text and a label`;
      throw new ClozeError('input', `${source}: ${what}`, 'Quote a text that holds commas');
    }
    const where = `${source}, example ${i + 1}`;
    return { text: fields[0].replace(/\s+/g, ' ').trim(), labels: [fields[1].trim()], where };
  });
}

function isHeader(fields: readonly string[] | undefined): boolean {
  return fields?.[0]?.toLowerCase() === 'text' && /^(label|category)$/i.test(fields[1] ?? '');
}

function fromLines(text: string, source: string): TaskExample[] {
  const tabs = /\.tsv$/i.test(source);
  const examples: TaskExample[] = [];
  text.split(/\r?\n/).forEach((line, index) => {
    if (line.trim() === '') return;
    if (tabs && index === 0 && isHeader(line.split('\t'))) return;
    const match = tabs
      ? /^(?<text>.*\S)\s*\t\s*(?<label>[^\t]*\S)\s*$/.exec(line)
      : /^(?<label>\S+) +(?<text>\S.*)$/.exec(line);
    if (!match?.groups) {
      const wanted = tabs ? 'a text, a tab and a label' : 'a label, a blank and a text';
      throw new ClozeError(
        'input',
        `${source}, line ${index + 1}: it wants ${wanted}, and is ${JSON.stringify(line.slice(0, 60))}`,
      );
    }
    const { label } = match.groups;
    const where = `${source}, line ${index + 1}`;
    examples.push({ text: match.groups.text.trim(), labels: [tabs ? label : label.split(':')[0]], where });
  });
  return examples;
}
