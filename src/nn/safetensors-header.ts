/**
 * The JSON at the head of a safetensors file, read by a grammar of its own: names to entries, an entry being `dtype`,
 * `shape` and `data_offsets`, and `__metadata__` being text to text. `JSON.parse` would keep the last of two equal
 * keys without a word, take 2.0 for a size, and lose the name `__proto__`; the format forbids the first two and
 * allows the third. Nothing here nests, so no input can exhaust the stack.
 */
import type { StoredDtype } from './stored.ts';
import { DTYPE_BITS } from './stored.ts';

export interface HeaderEntry {
  dtype: StoredDtype;
  shape: number[];
  /** Where the data begins and ends, in bytes after the header. */
  begin: number;
  end: number;
}

export interface Header {
  metadata: Record<string, string>;
  entries: Map<string, HeaderEntry>;
}

/** Throws the error that says what is wrong with the file. */
export type Refuse = (defect: string) => never;

/** Reads the header's text, calling `refuse` at the first thing that the format does not allow. */
export function parseHeader(text: string, refuse: Refuse): Header {
  const scanner = new Scanner(text, refuse);
  const entries = new Map<string, HeaderEntry>();
  const metadata: Record<string, string> = Object.create(null);
  scanner.object('the header', (name) => {
    if (name === '__metadata__') {
      scanner.object(name, (key) => {
        metadata[key] = scanner.string(`${name} ${quote(key)}`);
      });
    } else entries.set(name, parseEntry(scanner, name, refuse));
  });
  scanner.end();
  return { metadata, entries };
}

function parseEntry(scanner: Scanner, name: string, refuse: Refuse): HeaderEntry {
  const tensor = `tensor ${quote(name)}`;
  let dtype: string | undefined;
  let shape: number[] | undefined;
  let offsets: number[] | undefined;
  scanner.object(tensor, (key) => {
    if (key === 'dtype') dtype = scanner.string(`the dtype of ${tensor}`);
    else if (key === 'shape') shape = scanner.naturals(`the shape of ${tensor}`);
    else if (key === 'data_offsets') offsets = scanner.naturals(`data_offsets of ${tensor}`);
    else refuse(`${tensor} has an unknown field ${quote(key)}`);
  });
  if (dtype === undefined || !shape || !offsets) {
    return refuse(`${tensor} lacks ${!shape ? 'a shape' : !offsets ? 'data_offsets' : 'a dtype'}`);
  }
  if (!Object.hasOwn(DTYPE_BITS, dtype)) refuse(`${tensor} has an unknown dtype ${quote(dtype)}`);
  if (offsets.length !== 2) refuse(`data_offsets of ${tensor} are not two numbers`);
  return { dtype: dtype as StoredDtype, shape, begin: offsets[0], end: offsets[1] };
}

/** A name out of a file, made safe to print on one line. */
export function quote(name: string): string {
  return JSON.stringify(name.length > 100 ? `${name.slice(0, 100)}…` : name);
}

/** Reads JSON (RFC 8259) from left to right: objects without duplicate keys, strings, lists of natural numbers. */
class Scanner {
  private readonly text: string;
  private readonly refuse: Refuse;
  private at = 0;

  constructor(text: string, refuse: Refuse) {
    this.text = text;
    this.refuse = refuse;
  }

  /** Reads an object; `value` is called for each key and has to read what stands behind the colon. */
  object(what: string, value: (key: string) => void): void {
    const seen = new Set<string>();
    if (!this.skip('{')) this.refuse(`${what} is not a JSON object`);
    if (this.skip('}')) return;
    do {
      const key = this.string(`a key in ${what}`);
      if (seen.has(key)) this.refuse(`${what} holds ${quote(key)} twice`);
      seen.add(key);
      this.expect(':');
      value(key);
    } while (this.skip(','));
    this.expect('}');
  }

  string(what: string): string {
    if (!this.skip('"')) this.refuse(`${what} is not a string`);
    const start = this.at - 1;
    while (this.at < this.text.length && this.text[this.at] !== '"')
      this.at += this.text[this.at] === '\\' ? 2 : 1;
    this.expect('"');
    const literal = this.text.slice(start, this.at);
    try {
      const value: string = JSON.parse(literal);
      if (!/\p{Surrogate}/u.test(value)) return value;
    } catch {
      // Refused below, as is half of a surrogate pair: the format's text is UTF-8, which has no such thing.
    }
    return this.refuse(`${what} is not a valid JSON string`);
  }

  naturals(what: string): number[] {
    const values: number[] = [];
    if (!this.skip('[')) this.refuse(`${what} is not a list`);
    if (this.skip(']')) return values;
    do {
      this.blanks();
      const start = this.at;
      while (/[-+.\w]/.test(this.text[this.at] ?? '')) this.at++;
      const digits = this.text.slice(start, this.at);
      const value = Number(digits);
      if (!/^(0|[1-9][0-9]*)$/.test(digits) || !Number.isSafeInteger(value)) {
        this.refuse(`${what} holds ${quote(digits)}, which is not a natural number below 2^53`);
      }
      values.push(value);
    } while (this.skip(','));
    this.expect(']');
    return values;
  }

  end(): void {
    this.blanks();
    if (this.at < this.text.length) this.refuse('something stands in the header behind its closing brace');
  }

  private blanks(): void {
    while (' \t\n\r'.includes(this.text[this.at] ?? 'x')) this.at++;
  }

  private skip(character: string): boolean {
    this.blanks();
    if (this.text[this.at] !== character) return false;
    this.at++;
    return true;
  }

  private expect(character: string): void {
    if (!this.skip(character))
      this.refuse(`the header is not valid JSON: ${character} expected at character ${this.at}`);
  }
}
