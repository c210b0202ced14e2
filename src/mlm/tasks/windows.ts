/**
 * A question with a context that is too long for one row: rows with windows of the context that overlap, and where the
 * answer lies in them. After `run_squad.py` of Devlin et al. ("BERT", 2019).
 */
import type { Tokenizer } from '../tokenizer/index.ts';
import type { TaskExample } from './task.ts';

/** [CLS] question [SEP] window [SEP]. */
export interface Window {
  /** The index of its example. */
  example: number;
  inputIds: Uint32Array;
  /** The place in the row of the window's first token, and the place in the context. */
  offset: number;
  start: number;
  /** Tokens of the context. */
  length: number;
  /** The places in the row of the answer's first and last token; those of [CLS] where the answer is not all in the window. */
  answer: readonly [first: number, last: number];
}

/** A context as tokens: half-open ranges of its UTF-16 units. */
export type Spans = readonly (readonly [start: number, end: number])[];

/** Most tokens of a question; what is beyond is cut off. At least half of a row is left for the context. */
const maxQuestion = 64;

/** The rows of one example, of at most T tokens, and the spans of its context's tokens. */
export function windowsOf(
  { text, pair = '', labels: [label], starts }: TaskExample,
  example: number,
  { tokenizer, T, docStride }: { tokenizer: Tokenizer; T: number; docStride: number },
): { windows: Window[]; spans: Spans } {
  const { cls, sep } = tokenizer.special;
  const question = tokenizer.encodeToIds(text).slice(0, Math.min(maxQuestion, Math.floor(T / 2) - 2));
  const context = tokenizer.encode(pair, { addSpecialTokens: false });
  const room = T - question.length - 3;
  const stride = strideOf(room, docStride);
  const answer = starts && tokensOf(context.offsets, starts[0], starts[0] + label.length);
  const offset = question.length + 2;
  const windows: Window[] = [];
  for (let start = 0; ; start += stride) {
    const ids = context.ids.slice(start, start + room);
    const within = answer && answer[0] >= start && answer[1] < start + ids.length;
    windows.push({
      example,
      inputIds: Uint32Array.from([cls, ...question, sep, ...ids, sep]),
      offset,
      start,
      length: ids.length,
      answer: within ? [answer[0] - start + offset, answer[1] - start + offset] : [0, 0],
    });
    if (start + room >= context.ids.length) return { windows, spans: context.offsets };
  }
}

/** By how many tokens windows advance: at most half a window, so that what one cuts through is whole in another. */
const strideOf = (room: number, docStride: number) => Math.max(1, Math.min(docStride, Math.floor(room / 2)));

/** The first and the last of the tokens that share a character with the half-open range. */
export function tokensOf(spans: Spans, start: number, end: number): [first: number, last: number] {
  const first = spans.findIndex(([, to]) => to > start);
  const last = spans.findLastIndex(([from]) => from < end);
  return [first, last];
}

/**
 * For each token of a context, the window in which it has most context: what is less of the tokens to its left and to
 * its right, and a little for the window's length. A token counts as the start of an answer there alone.
 */
export function bestWindows(
  windows: readonly Pick<Window, 'start' | 'length'>[],
  tokens: number,
): Int32Array {
  const best = new Int32Array(tokens);
  const most = new Float64Array(tokens).fill(Number.NEGATIVE_INFINITY);
  windows.forEach(({ start, length }, index) => {
    for (let at = 0; at < length; at++) {
      const score = Math.min(at, length - 1 - at) + 0.01 * length;
      if (score <= most[start + at]) continue;
      most[start + at] = score;
      best[start + at] = index;
    }
  });
  return best;
}

/** An answer as tokens of the context, and the sum of its logits. */
export interface Candidate {
  first: number;
  last: number;
  score: number;
}

export interface CandidateLimits {
  /** Most tokens of an answer; default 30. */
  maxAnswerLength?: number;
  /** How many starts and ends are paired, and answers kept; default 20. */
  nBest?: number;
}

/**
 * The best answers in a window by the logits of its row, which are [T, 2]: a start, then an end, for each token. `starts` says whether
 * a token of the context may be a start here.
 */
export function candidatesIn(
  { offset, start, length }: Pick<Window, 'offset' | 'start' | 'length'>,
  logits: ArrayLike<number>,
  starts: (token: number) => boolean,
  { maxAnswerLength = 30, nBest = 20 }: CandidateLimits = {},
): Candidate[] {
  const logit = (token: number, side: 0 | 1) => logits[2 * (token - start + offset) + side];
  const tokens = Array.from({ length }, (_, i) => start + i);
  const likeliest = (side: 0 | 1, among: number[]) =>
    among.sort((a, b) => logit(b, side) - logit(a, side) || a - b).slice(0, nBest);
  const ends = likeliest(1, tokens.slice());
  return likeliest(0, tokens.filter(starts)).flatMap((first) =>
    ends
      .filter((last) => last >= first && last - first < maxAnswerLength)
      .map((last) => ({ first, last, score: logit(first, 0) + logit(last, 1) })),
  );
}
