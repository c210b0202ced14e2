/**
 * GPT-2's alphabet: each of the 256 bytes as a printable character, so that a vocabulary of byte strings can be
 * written as text. The bytes that print as themselves in Latin-1 stay, the other 68 are U+0100 onwards in order.
 */

/** The character of each byte. */
export const byteCharacters: readonly string[] = makeAlphabet();

/** The byte of each character of the alphabet. */
export const bytesOfCharacters: ReadonlyMap<string, number> = new Map(
  byteCharacters.map((character, byte) => [character, byte]),
);

function makeAlphabet(): string[] {
  const printable = (byte: number) =>
    (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
  let spare = 0x100;
  return Array.from({ length: 256 }, (_, byte) => String.fromCharCode(printable(byte) ? byte : spare++));
}

const encoder = new TextEncoder();
// A byte order mark is text here, not a hint to the decoder.
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** The UTF-8 bytes of `text` in the alphabet. */
export function toByteCharacters(text: string): string {
  let written = '';
  for (const byte of encoder.encode(text)) written += byteCharacters[byte];
  return written;
}

/** The text that strings of the alphabet stand for; bytes that are no UTF-8 become U+FFFD, other strings are themselves. */
export function fromByteCharacters(pieces: readonly string[]): string {
  const bytes: number[] = [];
  for (const piece of pieces) {
    const mapped = Array.from(piece, (character) => bytesOfCharacters.get(character));
    if (mapped.includes(undefined)) bytes.push(...encoder.encode(piece));
    else bytes.push(...(mapped as number[]));
  }
  return decoder.decode(new Uint8Array(bytes));
}

export function utf8Length(codePoint: number): number {
  if (codePoint < 0x80) return 1;
  if (codePoint < 0x800) return 2;
  return codePoint < 0x10000 ? 3 : 4;
}
