/**
 * The options of a training run as flags and as a config file. Both use the names of `TrainOptions`, in kebab-case
 * as flags; a flag wins over the file, the file over the defaults. What a value may be is checked in
 * `src/mlm/training/options.ts` alone.
 */
import { join } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { ClozeError } from '../gpu/errors.ts';
import { readFileText, unlessMissing } from '../mlm/data/files.node.ts';
import type { ObjectiveName } from '../mlm/objectives/index.ts';
import {
  type OptionField,
  type OptionGroups,
  optionField,
  optionGroups,
} from '../mlm/training/optionFields.ts';
import {
  optionNames,
  parseOptions,
  type TrainOptions,
  type TrainOptionsInput,
} from '../mlm/training/options.ts';
import { defaultFolder, optionsFile } from './run-folder.ts';

/** What a run needs besides its `TrainOptions`; a config file may hold these too. */
export interface RunOptions {
  out?: string;
  adapter?: string;
  resume?: boolean;
}

export function number(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || Number.isNaN(value)) throw new InvalidArgumentError('It takes a number.');
  return value;
}

export function wholeNumber(text: string): number {
  const value = number(text);
  if (!Number.isInteger(value) || value < 0)
    throw new InvalidArgumentError('It takes a whole number from 0.');
  return value;
}

export function atLeast1(text: string): number {
  const value = wholeNumber(text);
  if (value === 0) throw new InvalidArgumentError('It takes a whole number from 1.');
  return value;
}

/** Several numbers with commas between them. */
export const numbers = (text: string) => text.split(',').map(number);

const parsers: Partial<Record<OptionField['kind'], (text: string) => unknown>> = {
  whole: number,
  number,
  numbers,
};

/** The flag of an option. */
export const flagOf = (name: string) => `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;

/** Adds a flag for each of `names`, by default for all options of a run, with its default in the help. */
export function addTrainFlags(
  command: Command,
  names: readonly (keyof TrainOptions)[] = optionNames,
): Command {
  const defaults = parseOptions({});
  const fields = names.map((name) => ({ ...optionField(name), default: defaults[name] }));
  return addOptionFlags(command, optionGroups, fields);
}

/** Adds a flag for each of `fields`, in the order of their groups; one that has no default in the help is told none. */
export function addOptionFlags<Name extends string>(
  command: Command,
  groups: OptionGroups<Name>,
  fields: readonly OptionField<Name>[],
): Command {
  for (const [title, group] of Object.entries(groups) as [string, OptionGroups<Name>[string]][]) {
    for (const name of Object.keys(group) as Name[]) {
      const flag = group[name];
      const field = fields.find((field) => field.name === name);
      if (!flag || !field) continue;
      const value = field.default;
      const shown = value === undefined || value === false ? '' : ` (default: ${value})`;
      const option = new Option(`${flagOf(name)} ${flag.value}`.trim(), flag.help + shown).helpGroup(title);
      option.makeOptionMandatory(field.required ?? false);
      const parse = parsers[field.kind];
      command.addOption(parse ? option.argParser(parse) : option);
    }
  }
  return command;
}

/** Those of a command's parsed flags that have these names. */
export function pick(names: readonly string[], parsed: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(names.flatMap((name) => (name in parsed ? [[name, parsed[name]]] : [])));
}

/**
 * Those of a command's parsed flags that are options of a run, whose objective is `known` where no flag names it. Throws `option`
 * naming the flag that is wrong.
 */
export function trainFlags(parsed: Record<string, unknown>, known?: ObjectiveName): TrainOptionsInput {
  const flags = pick(optionNames, parsed);
  const { objective = known } = flags;
  for (const [name, value] of Object.entries(flags)) parseOptions({ objective, [name]: value }, flagOf(name));
  return flags;
}

/**
 * Joins what a resumed run was started with, the config file and the flags; the later wins. Throws what
 * `parseOptions` throws, naming the file or the flag.
 */
export async function readOptions(
  parsed: RunOptions & { config?: string } & Record<string, unknown>,
): Promise<RunOptions & { out: string; options: TrainOptionsInput }> {
  const file = parsed.config ? await readConfig(parsed.config) : { options: {} };
  const { adapter = file.adapter, resume = file.resume } = parsed;
  const out = parsed.out ?? file.out;
  const folder = out ?? defaultFolder((parsed.data as string[] | undefined) ?? file.options.data);
  const before = resume ? await unlessMissing(readConfig(join(folder, optionsFile))) : undefined;
  const flags = trainFlags(parsed, file.options.objective ?? before?.options.objective);
  return { out: folder, adapter, resume, options: { ...before?.options, ...file.options, ...flags } };
}

/** Reads a config file. Throws the code `io` when there is none, `option` or `format` when it is wrong. */
export async function readConfig(path: string): Promise<RunOptions & { options: TrainOptionsInput }> {
  const text = await readFileText(path);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new ClozeError('format', `${path} is not JSON: ${(error as Error).message}`, 'Correct it there');
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw new ClozeError(
      'format',
      `${path} is no config`,
      'Write {"steps": 1000, ...}, names as in the flags',
    );
  }
  const { out, adapter, resume, ...options } = json as Record<string, unknown>;
  if (typeof options.data === 'string') options.data = [options.data];
  parseOptions(options, path);
  return {
    out: expectType<string>(path, 'out', out, 'string'),
    adapter: expectType<string>(path, 'adapter', adapter, 'string'),
    resume: expectType<boolean>(path, 'resume', resume, 'boolean'),
    options,
  };
}

function expectType<T>(path: string, name: string, value: unknown, type: string): T | undefined {
  if (value === undefined || typeof value === type) return value as T | undefined;
  throw new ClozeError('option', `${path}: ${name} must be a ${type}`, `It is ${JSON.stringify(value)}`);
}
