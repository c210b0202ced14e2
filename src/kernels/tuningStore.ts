/**
 * Remembers tuned choices between processes, in the platform's cache. A choice holds for the adapter, the driver and
 * the version of this package that it was measured with, and for nothing else.
 */
import { platform } from '#platform';
import type { Capabilities } from '../gpu/index.ts';
import type { TextCache } from '../gpu/platform.ts';
import { version } from '../gpu/version.ts';
import type { TunedProblem } from './tune.ts';
import { parseChoices, type TunedChoice, Tuning } from './tuning.ts';

/** A choice that differs from the kernel's own, with what it was measured on and what it gains. */
export interface RememberedChoice extends TunedChoice {
  adapter: string;
  driver: string;
  engine: string;
  /** The kernel's own choice. */
  own: string;
  /** Its time over that of the variant. */
  ratio: number;
}

type Adapter = Pick<Capabilities, 'name' | 'description'>;

const file = 'tuning.json';
const fields = ['adapter', 'driver', 'engine', 'kernel', 'problem', 'variant', 'own'];

const holdsHere = ({ name, description }: Adapter) => {
  return ({ adapter, driver, engine }: RememberedChoice) =>
    adapter === name && driver === description && engine === version;
};

/** Where the choices are kept, for people. */
export function tuningPlace(cache: TextCache = platform.cache): string {
  return cache.place(file);
}

/** Every choice that was remembered, on whatever adapter. Throws `format` when the file was damaged. */
export async function readTuning(cache: TextCache = platform.cache): Promise<RememberedChoice[]> {
  const text = await cache.read(file);
  return text === undefined ? [] : parseChoices<RememberedChoice>(text, cache.place(file), fields);
}

/** The choices that hold on this adapter; undefined when there are none. Throws what `readTuning` throws. */
export async function loadTuning(adapter: Adapter, cache?: TextCache): Promise<Tuning | undefined> {
  const choices = (await readTuning(cache)).filter(holdsHere(adapter));
  return choices.length > 0 ? new Tuning(choices) : undefined;
}

/**
 * Replaces what was known of these problems on this adapter. Where the kernel's own choice stands, nothing is kept.
 * Returns the choices that are new or confirmed.
 */
export async function rememberTuning(
  adapter: Adapter,
  results: readonly TunedProblem[],
  cache: TextCache = platform.cache,
): Promise<RememberedChoice[]> {
  const key = ({ kernel, problem }: TunedChoice) => `${kernel} ${problem}`;
  const measured = new Set(results.map(key));
  const here = holdsHere(adapter);
  const others = (await readTuning(cache)).filter((choice) => !here(choice) || !measured.has(key(choice)));
  const won = results
    .filter(({ own, variant }) => variant !== own)
    .map(({ kernel, problem, variant, own, ms }) => ({
      adapter: adapter.name,
      driver: adapter.description,
      engine: version,
      kernel,
      problem,
      variant,
      own,
      ratio: ms[own] / ms[variant],
    }));
  await cache.write(file, `${JSON.stringify([...others, ...won], null, 1)}\n`);
  return won;
}

/** Forgets every choice, on every adapter. */
export async function forgetTuning(cache: TextCache = platform.cache): Promise<void> {
  await cache.remove(file);
}
