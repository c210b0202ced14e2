/** What the page knows, as signals, and what its buttons do. */
import { effect, signal } from '@preact/signals';
import type { KernelReport, KernelRow } from '../bench/report.ts';
import { storyPrompts } from '../src/mlm/data/stories.ts';
import type { TrainEvent } from '../src/mlm/training/events.ts';
import { Client } from './client.ts';
import { addEvent, type Curves, curvesOf, noCurves } from './curves.ts';
import type {
  DeviceFacts,
  KernelCase,
  Look,
  ModelFacts,
  News,
  RunRecord,
  RunRequest,
  Word,
} from './protocol.ts';
import { wordsOf } from './words.ts';

export const device = signal<DeviceFacts | 'opening' | 'missing'>('opening');
/** Why there is no device. */
export const missing = signal('');
export const view = signal<'train' | 'kernels'>('train');

/** The run that is shown, whether it goes on or not. */
export const run = signal<RunRecord | null>(null);
/** What a run does before its first step. */
export const phase = signal('');
/** Whether the worker has the run under way; a run that a reload found in the store is not. */
export const active = signal(false);
export const curves = signal<Curves>(noCurves());
export const lastStep = signal<Extract<TrainEvent, { event: 'step' }> | null>(null);
export const lastEval = signal<Extract<TrainEvent, { event: 'eval' }> | null>(null);
/** The step of the last checkpoint, from which a reload goes on. */
export const savedStep = signal<number | null>(null);
/** Seconds from the start of the run, as it was asked for, to the numbers of its first step. */
export const firstStepAfter = signal<number | null>(null);
export const runs = signal<RunRecord[]>([]);
/** Earlier runs that are drawn beside the present one. */
export const compared = signal<ReadonlyMap<string, Curves>>(new Map());
export const loaded = signal<ModelFacts | null>(null);
export const problem = signal('');

/** The blanks of the first sentence: one is soon understood, the other takes the days of the week. */
const firstBlanks: readonly string[] = ['lost', 'Sunday'];

export const words = signal<Word[]>(firstSentence());
export const look = signal<Look | null>(null);
/** The hidden word whose alternatives are shown. */
export const chosen = signal(words.value.findIndex(({ text }) => text === firstBlanks[0]));
/** The sentence as it was before its blanks were filled one by one. */
export const hiddenBefore = signal<Word[] | null>(null);
export const trainHidden = signal(true);

export const cases = signal<KernelCase[]>([]);
export const bench = signal<Omit<KernelReport, 'rows'> | null>(null);
export const rows = signal<KernelRow[]>([]);
export const benching = signal(false);

const client = new Client(hear);
export const call = client.call.bind(client);

let asked = 0;
let newestStep: Extract<TrainEvent, { event: 'step' }> | null = null;

function firstSentence(): Word[] {
  const [, { text, answer }] = storyPrompts();
  const [sentence] = text.replace('[MASK]', answer).split(/(?<=\.) (?=Tomorrow)/);
  return wordsOf(sentence).map((word) => ({ ...word, hidden: firstBlanks.includes(word.text) }));
}

function hear(news: News): void {
  switch (news.type) {
    case 'run':
      if (news.run.id !== run.value?.id) beginRun();
      run.value = news.run;
      active.value = news.run.state === 'running' || news.run.state === 'paused';
      void refreshRuns();
      break;
    case 'phase':
      phase.value = news.text;
      break;
    case 'sample':
      setWords(news.words);
      break;
    case 'train':
      hearTraining(news.event);
      break;
    case 'look':
      look.value = news.look;
      break;
    case 'failed':
      phase.value = '';
      problem.value = news.failure.message;
      if (run.value && active.value) run.value = { ...run.value, state: 'failed' };
      active.value = false;
      break;
    case 'benchmark':
      bench.value = news.start;
      break;
    case 'rows':
      rows.value = [...rows.value, ...news.rows];
      break;
  }
}

function hearTraining(event: TrainEvent): void {
  if (event.event === 'start') phase.value = 'Compiling its kernels';
  if (event.event === 'device-lost')
    phase.value = `The GPU was lost; going on from step ${event.resumedFrom}`;
  if (event.event === 'out-of-memory')
    phase.value = `Not enough memory; going on with ${event.rows} rows at a time`;
  if (event.event === 'step') {
    phase.value = '';
    firstStepAfter.value ??= (performance.now() - asked) / 1000;
    newestStep = event;
  }
  if (event.event === 'eval') lastEval.value = event;
  if (event.event === 'checkpoint') savedStep.value = event.step;
  if (event.event === 'step' || event.event === 'eval') {
    addEvent(curves.value, event);
    redrawSoon();
  }
}

/** Milliseconds between two drawings of the curves: a fast GPU does a hundred steps in that time. */
const drawPause = 250;
let drawing = false;

function redrawSoon(): void {
  if (drawing) return;
  drawing = true;
  setTimeout(() => {
    drawing = false;
    lastStep.value = newestStep;
    curves.value = { ...curves.value };
  }, drawPause);
}

function beginRun(): void {
  curves.value = noCurves();
  newestStep = null;
  lastStep.value = null;
  lastEval.value = null;
  firstStepAfter.value = null;
  savedStep.value = null;
  look.value = null;
  loaded.value = null;
  problem.value = '';
}

/** Runs an action of a button; what fails is told. */
export async function act(work: () => Promise<unknown>): Promise<void> {
  problem.value = '';
  try {
    await work();
  } catch (error) {
    problem.value = (error as Error).message;
  }
}

export async function refreshRuns(): Promise<void> {
  runs.value = await call('runs');
}

export function startRun(request: RunRequest): Promise<void> {
  asked = performance.now();
  return act(() => call('start', request));
}

export async function resumeRun(id: string): Promise<void> {
  asked = performance.now();
  await act(async () => {
    const history = await call('history', id);
    await call('resume', id);
    beginRun();
    curves.value = curvesOf(history);
  });
}

export function setWords(next: Word[]): void {
  words.value = next;
  hiddenBefore.value = null;
  look.value = null;
  if (!next[chosen.value]?.hidden) chosen.value = next.findIndex(({ hidden }) => hidden);
}

/** Milliseconds in which one sees what was revealed. */
const revealPause = 450;

/** Reveals the blanks one after another, the surest first: each word that is there helps with the rest. */
export async function fillOneByOne(): Promise<void> {
  const before = words.value;
  let now = before;
  let seen = look.value;
  while (seen && now.some(({ hidden }) => hidden)) {
    const sure = (index: number) =>
      seen?.fills[index]?.reduce((product, [{ score }]) => product * score, 1) ?? -1;
    const best = now.reduce(
      (best, _, index) => (sure(index) > sure(best) ? index : best),
      now.findIndex(({ hidden }) => hidden),
    );
    const guess = seen.guesses[best] ?? '';
    now = now.map((word, index) => (index === best ? { text: guess, hidden: false, filled: true } : word));
    words.value = now;
    await new Promise((resolve) => setTimeout(resolve, revealPause));
    if (words.value !== now) return;
    seen = await call('look', now);
  }
  hiddenBefore.value = before;
}

export async function compareRun(id: string, shown: boolean): Promise<void> {
  const next = new Map(compared.value);
  if (shown) next.set(id, curvesOf(await call('history', id)));
  else next.delete(id);
  compared.value = next;
}

export async function removeRun(id: string): Promise<void> {
  await call('remove', id);
  await compareRun(id, false);
  if (run.value?.id === id) {
    run.value = null;
    beginRun();
  }
  await refreshRuns();
}

export function download(name: string, data: Uint8Array | string, type: string): void {
  const url = URL.createObjectURL(new Blob([data as BlobPart], { type }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

/** Opens the device, shows the last run, and lets it go on where it was left while it trained. */
export async function begin(): Promise<void> {
  try {
    device.value = await call('open');
  } catch (error) {
    missing.value = (error as Error).message;
    device.value = 'missing';
    return;
  }
  effect(() => {
    const sentence = words.value;
    void act(async () => {
      const seen = await call('look', sentence);
      if (sentence === words.value && seen) look.value = seen;
    });
  });
  document.addEventListener('visibilitychange', () => {
    if (run.value?.state === 'running' && document.hidden && !trainHidden.value) {
      void call('pause');
      document.addEventListener('visibilitychange', () => void call('go'), { once: true });
    }
  });
  cases.value = await call('cases');
  await act(refreshRuns);
  const [newest] = runs.value;
  if (newest?.state === 'running') await resumeRun(newest.id);
  else if (newest) {
    curves.value = curvesOf(await call('history', newest.id));
    run.value = newest;
  }
}
