/** A sentence as words that can be hidden one by one. */
import type { Word } from './protocol.ts';

/** Words, numbers and single marks; `[MASK]` stands for a hidden word whose text nobody knows. */
export function wordsOf(text: string): Word[] {
  const parts = text.match(/\[MASK\]|[\p{L}\p{N}]+|[^\s]/gu) ?? [];
  return parts.map((part) =>
    part === '[MASK]' ? { text: '', hidden: true } : { text: part, hidden: false },
  );
}

/** Whether a space stands between two words of a sentence. */
export function spaced(before: string, after: string): boolean {
  return (
    !/^[.,;:!?)\]’”]/.test(after) &&
    !/[([‘“]$/.test(before) &&
    !/^['’-]$/.test(after) &&
    !/^['’-]$/.test(before)
  );
}

/** The words as one text, each as `show` writes it. */
export function joinWords(words: readonly Word[], show: (word: Word, index: number) => string): string {
  return words
    .map((word, i) => (i > 0 && spaced(words[i - 1].text, word.text) ? ' ' : '') + show(word, i))
    .join('');
}
