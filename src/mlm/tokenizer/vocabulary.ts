import { ClozeError } from '../../gpu/errors.ts';

/** Far beyond any vocabulary, and low enough that two ids fit into one exact number. */
export const idLimit = 2 ** 26;

/** Tokens and ids, one to one: the ids are 0 … size − 1 without a hole. */
export class Vocabulary {
  readonly tokens: readonly string[];
  private readonly ids = new Map<string, number>();

  /** Token i has id i. Throws ClozeError `format`, naming `where`, when a token comes twice or is empty. */
  constructor(tokens: readonly string[], where: string) {
    this.tokens = tokens;
    tokens.forEach((token, id) => {
      if (token === '') throw new ClozeError('format', `${where}: the token with id ${id} is empty`);
      const earlier = this.ids.get(token);
      if (earlier !== undefined) {
        throw new ClozeError(
          'format',
          `${where}: the token ${JSON.stringify(token)} has two ids, ${earlier} and ${id}`,
        );
      }
      this.ids.set(token, id);
    });
  }

  /** From (token, id) pairs in any order. Throws as the constructor does, and for an id that is taken, missing or no id. */
  static fromEntries(entries: Iterable<readonly [string, unknown]>, where: string): Vocabulary {
    const tokens: string[] = [];
    let highest = -1;
    for (const [token, id] of entries) {
      if (typeof id !== 'number' || !Number.isInteger(id) || id < 0 || id >= idLimit) {
        throw new ClozeError(
          'format',
          `${where}: the id of ${JSON.stringify(token)} is ${JSON.stringify(id)}`,
        );
      }
      if (tokens[id] !== undefined && tokens[id] !== token) {
        const both = `${JSON.stringify(tokens[id])} and ${JSON.stringify(token)}`;
        throw new ClozeError('format', `${where}: ${both} share the id ${id}`);
      }
      tokens[id] = token;
      highest = Math.max(highest, id);
    }
    for (let id = 0; id <= highest; id++) {
      if (tokens[id] === undefined) {
        throw new ClozeError(
          'format',
          `${where}: no token has the id ${id}, though the ids go up to ${highest}`,
        );
      }
    }
    return new Vocabulary(tokens, where);
  }

  get size(): number {
    return this.tokens.length;
  }

  id(token: string): number | undefined {
    return this.ids.get(token);
  }

  token(id: number): string {
    const token = this.tokens[id];
    if (token === undefined) {
      throw new ClozeError('input', `No token has the id ${id}`, `Ids go from 0 to ${this.size - 1}.`);
    }
    return token;
  }

  /** The `vocab` object of tokenizer.json. */
  toJSON(): Record<string, number> {
    return Object.fromEntries(this.tokens.map((token, id) => [token, id]));
  }
}
