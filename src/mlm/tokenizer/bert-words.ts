/**
 * BERT's way from text to words: clean, set Chinese characters apart, strip accents, lower the case, cut at blanks
 * and around punctuation. Follows google-research/bert `tokenization.py` in the order and with the character classes
 * of Hugging Face tokenizers' `BertNormalizer` and `BertPreTokenizer`.
 *
 * Each step looks at one code point at a time, so the whole chain is one function of a code point, remembered in a
 * table; and the place of every resulting character in the original text is known.
 */

export interface BertWordOptions {
  /** Drop control characters, and U+0000 and U+FFFD; read every kind of blank as a blank. */
  cleanText: boolean;
  /** Make each Chinese character a word. */
  handleChineseChars: boolean;
  /** Decompose (NFD) and drop the nonspacing marks. */
  stripAccents: boolean;
  lowercase: boolean;
}

/** A normalised word; unit i of `text` stands for units `starts[i]` to `ends[i]` of the original. */
export interface BertWord {
  text: string;
  starts: number[];
  ends: number[];
}

/** What one code point becomes: nothing, a blank, or characters of which some are words by themselves. */
interface Mapped {
  text: string;
  role: 'blank' | 'alone' | 'letter';
}

const blank: Mapped = { text: ' ', role: 'blank' };

const control = /[\p{Cc}\p{Cf}\p{Co}\uFFFD]/u;
const whiteSpace = /[\t\n\r\p{Z}]/u;
const anyWhiteSpace = /\p{White_Space}/u;
const punctuation = /[!-/:-@[-`{-~\p{P}]/u;

/** The blocks of CJK unified and compatibility ideographs, as listed in google-research/bert. */
const chinese =
  /[\u3400-\u4DBF\u4E00-\u9FFF\uF900-\uFAFF\u{20000}-\u{2A6DF}\u{2A700}-\u{2B73F}\u{2B740}-\u{2B81F}\u{2B820}-\u{2CEAF}\u{2F800}-\u{2FA1F}]/u;

export class BertWords {
  private readonly options: BertWordOptions;
  private readonly mapped = new Map<number, Mapped[]>();

  constructor(options: BertWordOptions) {
    this.options = options;
  }

  /** The words of `text` in order. */
  split(text: string): BertWord[] {
    const words: BertWord[] = [];
    let open: BertWord | null = null;
    let end = 0;
    for (let start = 0; start < text.length; start = end) {
      const codePoint = text.codePointAt(start)!;
      end = start + (codePoint > 0xffff ? 2 : 1);
      for (const piece of this.map(codePoint)) {
        if (piece.role !== 'letter') open = null;
        if (piece.role === 'blank') continue;
        if (open === null) {
          open = { text: '', starts: [], ends: [] };
          words.push(open);
        }
        open.text += piece.text;
        for (let unit = 0; unit < piece.text.length; unit++) {
          open.starts.push(start);
          open.ends.push(end);
        }
        if (piece.role === 'alone') open = null;
      }
    }
    return words;
  }

  private map(codePoint: number): Mapped[] {
    let mapped = this.mapped.get(codePoint);
    if (mapped === undefined) {
      mapped = this.normalise(String.fromCodePoint(codePoint));
      this.mapped.set(codePoint, mapped);
    }
    return mapped;
  }

  private normalise(character: string): Mapped[] {
    const { cleanText, handleChineseChars, stripAccents, lowercase } = this.options;
    if (cleanText && whiteSpace.test(character)) return [blank];
    if (cleanText && control.test(character)) return [];
    let text = character;
    if (stripAccents) text = text.normalize('NFD').replace(/\p{Mn}/gu, '');
    if (lowercase) text = Array.from(text, (part) => part.toLowerCase()).join('');
    const alone = handleChineseChars && chinese.test(character);
    return Array.from(text, (part): Mapped => {
      if (anyWhiteSpace.test(part)) return blank;
      return { text: part, role: alone || punctuation.test(part) ? 'alone' : 'letter' };
    });
  }
}
