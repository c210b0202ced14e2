import { ClozeError } from '../../gpu/errors.ts';
import { AddedTokens, specialToken } from './added-tokens.ts';
import { BertWords } from './bert-words.ts';
import { byteCharacters, toByteCharacters } from './byte-alphabet.ts';
import { type ByteBpeOptions, ByteBpeTokenizer, byteBpeWords } from './byte-bpe.ts';
import { CharTokenizer } from './characters.ts';
import type { CountedWord } from './merges.ts';
import { learnMerges } from './merges.ts';
import { bertSpecialTokens } from './special.ts';
import { robertaTemplate } from './template.ts';
import type { Tokenizer, TrainedKind } from './tokenizer.ts';
import { Vocabulary } from './vocabulary.ts';
import { WordPieceTokenizer } from './wordpiece.ts';

export interface TrainTokenizerOptions {
  kind: TrainedKind;
  /** Texts; no token reaches from one into the next. */
  corpus: string | Iterable<string> | AsyncIterable<string | readonly string[]>;
  /** Tokens in all, the special ones among them. Default 4096. Characters take as many as the corpus has. */
  vocabSize?: number;
  /** A pair of tokens that occurs less often is not merged. Default 2. */
  minFrequency?: number;
  /** WordPiece alone: lower the case and strip accents. Default true. */
  lowercase?: boolean;
  /** WordPiece and characters: how many different characters to keep, the most frequent first. Default 1000 and all. */
  limitAlphabet?: number;
}

/**
 * Learns a tokenizer from a corpus, which is gone through once. The outcome depends on the options and on how often each word
 * occurs, not on the order of the texts (unless there are more than two million different words, of which the rarest are then
 * forgotten on the way): the special tokens come first, then the alphabet by code point, then what was merged.
 *
 * `char`: the code points of the corpus. `wordpiece`: BERT's words, [PAD] [UNK] [CLS] [SEP] [MASK], merges chosen by
 * pair count as Hugging Face does (not by likelihood, as the original, whose trainer was never published). `bpe`:
 * byte-level, with RoBERTa's special tokens <s> <pad> </s> <unk> <mask>. `bytes`: the same without merges, so that a token is
 * a byte, as in ByT5 (Xue et al., 2022), and nothing is learnt.
 *
 * Throws ClozeError `input` for a corpus without text, `option` when `vocabSize` cannot hold the alphabet.
 */
export async function trainTokenizer(options: TrainTokenizerOptions): Promise<Tokenizer> {
  switch (options.kind) {
    case 'char':
      return trainCharacters(options);
    case 'wordpiece':
      return trainWordPiece(options);
    case 'bpe':
      return trainByteBpe(options);
    case 'bytes':
      return byteLevel([...byteSpecials, ...byteCharacters], []);
  }
}

async function trainCharacters({ corpus, limitAlphabet }: TrainTokenizerOptions): Promise<Tokenizer> {
  const counts = await countParts(corpus, (text) => text);
  return CharTokenizer.of(mostFrequent(counts, limitAlphabet ?? counts.size));
}

async function trainWordPiece(options: TrainTokenizerOptions): Promise<Tokenizer> {
  const { corpus, vocabSize = 4096, minFrequency = 2, lowercase = true, limitAlphabet = 1000 } = options;
  const splitter = new BertWords({
    cleanText: true,
    handleChineseChars: true,
    stripAccents: lowercase,
    lowercase,
  });
  const runs = await countParts(corpus, (text) => text.split(/[ \t\n\r]+/).filter(Boolean));
  const counts = new Map<string, number>();
  const characterCounts = new Map<string, number>();
  for (const [run, count] of runs) {
    for (const word of splitter.split(run)) {
      add(counts, word.text, count);
      for (const character of word.text) add(characterCounts, character, count);
    }
  }

  checkText(counts);
  const alphabet = mostFrequent(characterCounts, limitAlphabet);
  const kept = new Set(alphabet);
  const spellings = [...counts]
    .map(([word, count]) => ({ characters: Array.from(word), count }))
    .filter(({ characters }) => characters.every((character) => kept.has(character)));
  const continuing = new Set(spellings.flatMap(({ characters }) => characters.slice(1)));
  const tails = alphabet
    .filter((character) => continuing.has(character))
    .map((character) => `##${character}`);
  const tokens = [...bertSpecialTokens, ...alphabet, ...tails];
  checkRoom(tokens.length, vocabSize);

  const ids = new Map(tokens.map((token, id) => [token, id]));
  const words = spellings.map(
    ({ characters, count }): CountedWord => ({
      ids: characters.map((character, i) => ids.get(i === 0 ? character : `##${character}`)!),
      count,
    }),
  );
  learnMerges({ words, tokens, vocabSize, minFrequency, join: (left, right) => left + right.slice(2) });
  return WordPieceTokenizer.bert(
    new Vocabulary(tokens, 'trained vocabulary'),
    lowercase,
    'trained vocabulary',
  );
}

async function trainByteBpe(options: TrainTokenizerOptions): Promise<Tokenizer> {
  const { corpus, vocabSize = 4096, minFrequency = 2 } = options;
  const counts = await countParts(corpus, byteWords);
  const tokens = [...byteSpecials, ...[...byteCharacters].sort()];
  checkRoom(tokens.length, vocabSize);

  const ids = new Map(tokens.map((token, id) => [token, id]));
  const words = [...counts].map(
    ([word, count]): CountedWord => ({
      ids: Array.from(toByteCharacters(word), (character) => ids.get(character)!),
      count,
    }),
  );
  const join = (left: string, right: string) => left + right;
  const merges = learnMerges({ words, tokens, vocabSize, minFrequency, join });
  return byteLevel(tokens, merges);
}

const byteSpecials = ['<s>', '<pad>', '</s>', '<unk>', '<mask>'];

/** A tokenizer of these tokens, {@link byteSpecials} first. */
function byteLevel(tokens: string[], merges: ByteBpeOptions['merges']): Tokenizer {
  return new ByteBpeTokenizer(
    {
      vocabulary: new Vocabulary(tokens, 'trained vocabulary'),
      added: new AddedTokens(
        // As in RoBERTa a mask stands for a word with the blank before it.
        byteSpecials.map((content, id) => ({ ...specialToken(id, content), lstrip: content === '<mask>' })),
      ),
      special: { cls: 0, pad: 1, sep: 2, unk: 3, mask: 4 },
      template: robertaTemplate(0, 2),
    },
    { merges, addPrefixSpace: false },
  );
}

function* byteWords(text: string): Generator<string> {
  for (const [word] of byteBpeWords(text)) yield word;
}

/** Different parts that are counted at a time, and the UTF-16 units of one; longer ones are no words. */
const mostParts = 1 << 21;
const longestPart = 1 << 12;

/** Forgets what came at most `least` times so far, after the manner of lossy counting (Manku and Motwani, 2002). */
function forgetRare(counts: Map<string, number>, least: number): void {
  for (const [part, count] of counts) if (count <= least) counts.delete(part);
}

/** How often each part occurs in the corpus, unpaired surrogates read as U+FFFD. */
async function countParts(
  corpus: TrainTokenizerOptions['corpus'],
  parts: (text: string) => Iterable<string>,
): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  for await (const some of typeof corpus === 'string' ? [corpus] : corpus) {
    for (const text of typeof some === 'string' ? [some] : some) {
      for (const part of parts(text.replace(/\p{Surrogate}/gu, '\uFFFD'))) {
        if (part.length <= longestPart) add(counts, part, 1);
      }
      for (let least = 1; counts.size > mostParts; least *= 2) forgetRare(counts, least);
    }
  }
  checkText(counts);
  return counts;
}

function checkText(counts: Map<string, number>): void {
  if (counts.size > 0) return;
  throw new ClozeError('input', 'The corpus for the tokenizer holds no text', 'Give it at least one word.');
}

function add(counts: Map<string, number>, key: string, count: number): void {
  counts.set(key, (counts.get(key) ?? 0) + count);
}

/** The `limit` most frequent characters, of equally frequent ones the lower code points; in the order of code points. */
function mostFrequent(counts: Map<string, number>, limit: number): string[] {
  const codePoint = (character: string) => character.codePointAt(0)!;
  const byCount = [...counts].sort(([a, m], [b, n]) => n - m || codePoint(a) - codePoint(b));
  return byCount
    .slice(0, limit)
    .map(([character]) => character)
    .sort((a, b) => codePoint(a) - codePoint(b));
}

function checkRoom(needed: number, vocabSize: number): void {
  if (vocabSize >= needed) return;
  throw new ClozeError(
    'option',
    `A vocabulary of ${vocabSize} cannot hold the ${needed} special tokens and characters`,
    `Make vocabSize at least ${needed}, or limitAlphabet smaller.`,
  );
}
