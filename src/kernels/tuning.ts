/** Variants that were measured to be the fastest for a problem, as a table that a launcher looks into. */
import { ClozeError } from '../gpu/index.ts';
import type { KernelSpec } from './spec.ts';

export interface TunedChoice {
  kernel: string;
  /** {@link problemKey} of the problem. */
  problem: string;
  variant: string;
}

/** A problem as text: equal for problems that take equal time, in whatever order their fields were written. */
export function problemKey<P extends object>({ untimed = [] }: KernelSpec<P>, problem: P): string {
  const timed = Object.entries(problem).filter(([name]) => !untimed.includes(name));
  const fields = timed.sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify(Object.fromEntries(fields));
}

const lineOf = ({ kernel, problem, variant }: TunedChoice) => `${kernel} ${problem} ${variant}`;

export class Tuning {
  readonly choices: readonly TunedChoice[];
  private readonly variants = new Map<string, string>();

  constructor(choices: readonly TunedChoice[]) {
    this.choices = choices.map(({ kernel, problem, variant }) => ({ kernel, problem, variant }));
    for (const { kernel, problem, variant } of choices) this.variants.set(`${kernel} ${problem}`, variant);
  }

  /** The variant to use, if one was measured for this problem. */
  variantFor<P extends object>(spec: KernelSpec<P>, problem: P): string | undefined {
    return this.variants.get(`${spec.name} ${problemKey(spec, problem)}`);
  }

  /** Eight hexadecimal digits that tell tables apart: FNV-1a over their lines in order of the alphabet. */
  get digest(): string {
    let hash = 0x811c9dc5;
    for (const byte of new TextEncoder().encode(this.choices.map(lineOf).sort().join('\n'))) {
      hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
    }
    return hash.toString(16).padStart(8, '0');
  }

  toJSON(): readonly TunedChoice[] {
    return this.choices;
  }
}

/** Reads choices from JSON, with whatever else was written beside them. Throws `format` naming `source`. */
export function parseChoices<T extends TunedChoice = TunedChoice>(
  text: string,
  source: string,
  fields: readonly string[] = ['kernel', 'problem', 'variant'],
): T[] {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    // Told below.
  }
  const complete = (item: unknown) =>
    typeof item === 'object' &&
    item !== null &&
    fields.every((name) => typeof (item as Record<string, unknown>)[name] === 'string');
  if (Array.isArray(json) && json.every(complete)) return json as T[];
  throw new ClozeError('format', `${source} holds no choices of kernels`, 'Remove it: cloze tune --clear');
}
