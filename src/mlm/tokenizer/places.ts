/** Where the tokens of a normalised text stand in the text as it was given. */
import { utf8Length } from './byte-alphabet.ts';

/** What a token stands for in the normalised text: these characters, or so many bytes of its UTF-8. */
export type Surface = string | number;

type Range = [start: number, end: number];

/** How far ahead a token is sought behind what was left out between words. */
const sight = 64;

const blank = /\p{White_Space}/u;

/**
 * Finds tokens in a text in their order. A range is exact where the characters of the text, each with the marks upon it, are
 * normalised as they would be alone; where the whole is something else, the tokens of the stretch that differs share its
 * range. A token that is not found has an empty range.
 */
export class Places {
  private readonly normal: string;
  private readonly starts: Uint32Array;
  private readonly ends: Uint32Array;
  /** The unit of `normal` that comes next, and how many bytes of the character there are done. */
  private at = 0;
  private done = 0;

  constructor(text: string, normal: string, normalize: (text: string) => string) {
    this.normal = normal;
    this.starts = new Uint32Array(normal.length);
    this.ends = new Uint32Array(normal.length);
    this.align(text, normalize);
  }

  /** The range in the text of the token that comes next. */
  next(surface: Surface): Range {
    return typeof surface === 'number' ? this.nextBytes(surface) : this.nextCharacters(surface);
  }

  /** Blanks that begin a token are left out: the text may have more of them than the token, or none. */
  private nextCharacters(surface: string): Range {
    const { normal } = this;
    const sought = surface.trimStart();
    let start = this.at;
    while (
      start < normal.length &&
      blank.test(normal[start]) &&
      (sought !== '' || start < this.at + surface.length)
    ) {
      start++;
    }
    if (sought === '') {
      const from = this.at;
      this.at = start;
      return this.range(from, start);
    }
    if (!normal.startsWith(sought, start)) {
      const ahead = normal.slice(start, start + sight + sought.length).indexOf(sought);
      if (ahead < 0) return this.range(this.at, this.at);
      start += ahead;
    }
    this.at = start + sought.length;
    return this.range(start, this.at);
  }

  private nextBytes(count: number): Range {
    const start = this.at;
    let end = start;
    for (let left = count; left > 0 && this.at < this.normal.length; ) {
      const codePoint = this.normal.codePointAt(this.at) as number;
      const some = Math.min(left, utf8Length(codePoint) - this.done);
      const units = codePoint > 0xffff ? 2 : 1;
      left -= some;
      this.done += some;
      end = this.at + units;
      if (this.done < utf8Length(codePoint)) continue;
      this.done = 0;
      this.at = end;
    }
    return this.range(start, end);
  }

  /** From a range of the normalised text to one of the text. */
  private range(start: number, end: number): Range {
    if (start < end) return [this.starts[start], this.ends[end - 1]];
    const at = start > 0 ? this.ends[start - 1] : 0;
    return [at, at];
  }

  private align(text: string, normalize: (text: string) => string): void {
    const { normal, starts, ends } = this;
    if (normal === text) {
      for (let unit = 0; unit < text.length; unit++) {
        starts[unit] = unit;
        ends[unit] = unit + 1;
      }
      return;
    }
    // The text piece by piece: what stands at each unit, as far as it agrees with the whole from the front and from the back.
    const pieces = [...text.matchAll(/\p{White_Space}+|\P{M}\p{M}*|\p{M}+/gu)].map((match) => ({
      start: match.index,
      end: match.index + match[0].length,
      normal: normalize(match[0]),
    }));
    let front = 0;
    let first = 0;
    while (first < pieces.length && normal.startsWith(pieces[first].normal, front)) {
      front = this.fill(front, pieces[first++]);
    }
    let back = normal.length;
    let last = pieces.length;
    while (last > first) {
      const piece = pieces[last - 1];
      const start = back - piece.normal.length;
      if (start < front || !normal.startsWith(piece.normal, start)) break;
      this.fill(start, piece);
      back = start;
      last--;
    }
    const start = first < pieces.length ? pieces[first].start : text.length;
    starts.fill(start, front, back);
    ends.fill(last > first ? pieces[last - 1].end : start, front, back);
  }

  private fill(at: number, { start, end, normal }: { start: number; end: number; normal: string }): number {
    this.starts.fill(start, at, at + normal.length);
    this.ends.fill(end, at, at + normal.length);
    return at + normal.length;
  }
}
