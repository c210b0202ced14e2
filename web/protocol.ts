/** What page and worker say to each other: calls that are answered, and news that are not asked for. */
import type { KernelReport, KernelRow } from '../bench/report.ts';
import type { FillMaskPrediction } from '../src/mlm/fillMask.ts';
import type { TrainEvent } from '../src/mlm/training/events.ts';
import type { OptionField } from '../src/mlm/training/optionFields.ts';
import type { TrainOptions, TrainOptionsInput } from '../src/mlm/training/options.ts';

/** A text to learn from. The end of its name tells its format, as on the command line. */
export interface TextSource {
  name: string;
  /** Of any size; null where the name is an address to fetch it from. */
  file: Blob | null;
}

export interface RunRequest {
  options: TrainOptionsInput;
  /** Instead of the built-in corpus that `options.data` names. */
  texts?: TextSource[];
}

/** `running` in the store means: the page was left while it trained. */
export type RunState = 'running' | 'paused' | 'stopped' | 'finished' | 'failed';

/** What is kept of a run beside its files. */
export interface RunRecord {
  id: string;
  name: string;
  /** Milliseconds since 1970. */
  began: number;
  options: TrainOptions;
  state: RunState;
  /** The start event of the run, for what it is measured against. */
  start: Extract<TrainEvent, { event: 'start' }> | null;
}

/** The lines of a run's log: steps and validations. */
export type LoggedEvent =
  | { event: 'step'; step: number; loss: number; accuracy: number; lr: number; gradNorm: number }
  | { event: 'eval'; step: number; loss: number; accuracy: number };

export interface DeviceFacts {
  adapter: string;
  software: boolean;
}

/** A text cut into words, each shown or hidden. */
export interface Word {
  text: string;
  hidden: boolean;
  /** Whether the model said it. */
  filled?: boolean;
}

/** What the model makes of the sentence. */
export interface Look {
  /** Steps of training that the model has seen. */
  step: number;
  /** The text as the model reads it, with its [MASK]s. */
  text: string;
  /** For each word: what fills it, where it is hidden; one list for each of its tokens. */
  fills: (FillMaskPrediction[][] | null)[];
  /** For each hidden word, the word that the likeliest tokens make. */
  guesses: (string | null)[];
  tokens: string[];
  layers: number;
  heads: number;
  /** [layers, heads, T, T], row by row. */
  attention: Float32Array;
  /** Milliseconds. */
  took: number;
}

export interface ModelFacts {
  name: string;
  parameters: number;
  layers: number;
  heads: number;
}

/** The options of a run as a form: each with its help and with the value that it has where nothing is given. */
export interface OptionForm {
  groups: { title: string; fields: (OptionField & { help: string })[] }[];
  /** What a run with the given options would have. */
  values: Partial<TrainOptions>;
  /** What is wrong with what is given. */
  problem?: string;
}

export interface KernelCase {
  kernel: string;
  shape: string;
  variants: string[];
}

/** The calls by name. Each returns a promise on the page's side and throws a {@link Failure}. */
export interface Calls {
  open(): DeviceFacts;
  runs(): RunRecord[];
  history(id: string): LoggedEvent[];
  remove(id: string): void;
  form(options: TrainOptionsInput): OptionForm;
  start(request: RunRequest): void;
  resume(id: string): void;
  pause(): void;
  go(): void;
  stop(): void;
  /** Sets the sentence and looks at it; null when there is no model, or one that fills no blanks. */
  look(words: Word[]): Look | null;
  /** A zip of the model that is loaded, or of the run `id`. */
  save(id?: string): Uint8Array;
  load(files: { name: string; bytes: Uint8Array }[]): ModelFacts;
  cases(): KernelCase[];
  benchmark(kernels: string[], quick: boolean): KernelReport;
  endBenchmark(): void;
  source(kernel: string, shape: string, variant: string): string;
}

export type CallName = keyof Calls;

export interface Request {
  id: number;
  call: CallName;
  args: unknown[];
}

/** An error as it is told to people. */
export interface Failure {
  code: string;
  message: string;
}

export type Message =
  | { kind: 'result'; id: number; result: unknown }
  | { kind: 'failure'; id: number; failure: Failure }
  | { kind: 'news'; news: News };

export type News =
  | { type: 'run'; run: RunRecord }
  | { type: 'phase'; text: string }
  /** A sentence of the text that the run does not train on. */
  | { type: 'sample'; words: Word[] }
  | { type: 'train'; event: TrainEvent }
  | { type: 'look'; look: Look }
  | { type: 'failed'; failure: Failure }
  | { type: 'benchmark'; start: Omit<KernelReport, 'rows'> }
  | { type: 'rows'; rows: KernelRow[] };
