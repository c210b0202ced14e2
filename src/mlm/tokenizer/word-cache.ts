/** UTF-16 units of a word that is remembered, and words that are. */
const longestWord = 64;
const mostWords = 1 << 17;

/** Remembers what was made of words of ordinary length, since text repeats itself. */
export class WordCache<T> {
  private readonly made = new Map<string, T>();
  private readonly make: (word: string) => T;

  constructor(make: (word: string) => T) {
    this.make = make;
  }

  get(word: string): T {
    if (word.length > longestWord) return this.make(word);
    let found = this.made.get(word);
    if (found === undefined) {
      found = this.make(word);
      if (this.made.size === mostWords) this.made.clear();
      this.made.set(word, found);
    }
    return found;
  }
}
