/** What a sweep draws from: a range for each hyper-parameter. */
import { ClozeError } from '../../gpu/errors.ts';
import { Random } from '../../kernels/random.ts';
import { streams } from '../data/streams.ts';
import type { OptionField } from '../training/optionFields.ts';

export type Value = string | number | boolean;

export type Range = { name: string } & (
  | { kind: 'choice'; values: readonly Value[] }
  /** Evenly between two numbers, or evenly between their logarithms; `whole` rounds. */
  | { kind: 'uniform' | 'log'; from: number; to: number; whole: boolean }
);

/** The settings of a trial. */
export type Settings = Readonly<Record<string, Value>>;

/** Of an option, what a range depends on. */
export type RangeField = Pick<OptionField<string>, 'name' | 'kind'>;

/**
 * `8,16,32` for values to choose from, `0.1..0.9` for numbers between two, `log:1e-4..1e-2` for numbers whose logarithms are evenly spread.
 * Throws ClozeError `option` for what is none of these, or does not fit the option.
 */
export function parseRange(text: string, { name, kind }: RangeField): Range {
  const wrong = (what: string) =>
    new ClozeError(
      'option',
      `--search ${name}=${text}: ${what}`,
      'Write 8,16,32 or 0.1..0.9 or log:1e-4..1e-2',
    );
  const between = /^(log:)?(.+)\.\.(.+)$/.exec(text);
  if (between) {
    if (kind !== 'number' && kind !== 'whole') throw wrong(`${name} is no number`);
    const [from, to] = [Number(between[2]), Number(between[3])];
    if (!(from < to)) throw wrong('a range goes from a number to a larger one');
    if (between[1] && from <= 0) throw wrong('a logarithmic range begins above 0');
    return { name, kind: between[1] ? 'log' : 'uniform', from, to, whole: kind === 'whole' };
  }
  const values = text.split(',').map((value) => readValue(value.trim(), kind));
  const bad = values.indexOf(undefined);
  if (bad >= 0) throw wrong(`${JSON.stringify(text.split(',')[bad])} is no value of ${name}`);
  return { name, kind: 'choice', values: values as Value[] };
}

function readValue(text: string, kind: OptionField['kind']): Value | undefined {
  if (text === '') return undefined;
  switch (kind) {
    case 'whole':
    case 'number':
      return Number.isNaN(Number(text)) ? undefined : Number(text);
    case 'flag':
      return text === 'true' ? true : text === 'false' ? false : undefined;
    case 'choice':
    case 'text':
      return text;
    default:
      return undefined;
  }
}

/** The settings of trial number `trial`: a pure function of its arguments. */
export function drawSettings(ranges: readonly Range[], seed: number, trial: number): Settings {
  const random = new Random(seed, streams.trials, trial);
  return Object.fromEntries(ranges.map((range) => [range.name, draw(range, random.uniform())]));
}

function draw(range: Range, share: number): Value {
  if (range.kind === 'choice') return range.values[Math.floor(share * range.values.length)];
  const { from, to, whole, kind } = range;
  if (whole) {
    // Each whole number has the width of one, so that the first and the last come as often as the others.
    const value = kind === 'log' ? from * ((to + 1) / from) ** share : from + share * (to + 1 - from);
    return Math.min(to, Math.floor(value));
  }
  const value = kind === 'log' ? from * (to / from) ** share : from + share * (to - from);
  return Number(value.toPrecision(4));
}
