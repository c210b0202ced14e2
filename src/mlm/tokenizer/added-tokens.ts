/**
 * Tokens that are found in the text as they are written, before anything else looks at it: [MASK] and the other
 * special ones, and whatever a user added. The fields are those of tokenizer.json.
 */
export interface AddedToken {
  id: number;
  content: string;
  /** Not inside a longer word. */
  single_word: boolean;
  /** Takes the blanks to its left along. */
  lstrip: boolean;
  /** Takes the blanks to its right along. */
  rstrip: boolean;
  /** In tokenizer.json: sought in the normalised text. Cloze seeks every added token in the text as it was given. */
  normalized: boolean;
  special: boolean;
}

export function specialToken(id: number, content: string): AddedToken {
  return { id, content, single_word: false, lstrip: false, rstrip: false, normalized: false, special: true };
}

/** A stretch of text: one added token, or (`id` null) what lies between two of them. */
export interface Segment {
  start: number;
  end: number;
  id: number | null;
}

const wordCharacter = /[\p{L}\p{N}\p{M}\p{Pc}]$/u;
const startsWithWordCharacter = /^[\p{L}\p{N}\p{M}\p{Pc}]/u;

export class AddedTokens {
  readonly list: readonly AddedToken[];
  private readonly byContent: Map<string, AddedToken>;
  private readonly pattern: RegExp | null;

  constructor(list: readonly AddedToken[]) {
    this.list = [...list].sort((a, b) => a.id - b.id);
    this.byContent = new Map(list.map((token) => [token.content, token]));
    // The first alternative that fits wins, so longer tokens go before those that begin like them.
    const contents = [...this.byContent.keys()].sort((a, b) => b.length - a.length);
    const escaped = contents.map((content) => content.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&'));
    this.pattern = escaped.length > 0 ? new RegExp(escaped.join('|'), 'gu') : null;
  }

  /** Cuts `text` at the added tokens, left to right, the longest where several begin at one place. */
  *split(text: string): Generator<Segment> {
    let done = 0;
    for (const match of this.pattern ? text.matchAll(this.pattern) : []) {
      const token = this.byContent.get(match[0])!;
      let start = match.index;
      let end = start + token.content.length;
      if (start < done || (token.single_word && insideWord(text, start, end))) continue;
      if (token.lstrip) start = text.slice(done, start).trimEnd().length + done;
      if (token.rstrip) end = text.length - text.slice(end).trimStart().length;
      if (start > done) yield { start: done, end: start, id: null };
      yield { start, end, id: token.id };
      done = end;
    }
    if (done < text.length) yield { start: done, end: text.length, id: null };
  }
}

function insideWord(text: string, start: number, end: number): boolean {
  return (
    wordCharacter.test(text.slice(Math.max(0, start - 2), start)) ||
    startsWithWordCharacter.test(text.slice(end, end + 2))
  );
}
