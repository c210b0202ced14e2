/** A text in parts of at most `longest` units that cut no character in two: what has no blanks must not become one long list. */
export function* partsOf(text: string, longest: number): Generator<string> {
  let start = 0;
  while (text.length - start > longest) {
    const high = text.charCodeAt(start + longest - 1);
    const end = start + longest - (high >= 0xd800 && high < 0xdc00 ? 1 : 0);
    yield text.slice(start, end);
    start = end;
  }
  yield start === 0 ? text : text.slice(start);
}
