/** Finds the variant in what a researcher's file exports. */
import { ClozeError } from '../src/gpu/index.ts';
import type { Variant } from '../src/kernels/index.ts';

const parts: readonly (keyof Variant<object>)[] = ['supports', 'source', 'workgroups'];

function isVariant(value: unknown): value is Variant<object> {
  const candidate = value as Variant<object>;
  return (
    typeof candidate === 'object' &&
    candidate !== null &&
    typeof candidate.name === 'string' &&
    parts.every((part) => typeof candidate[part] === 'function')
  );
}

/** The variant that a module exports: its default, or the only one. Throws an `input` error for none and for several. */
export function variantOf(module: Readonly<Record<string, unknown>>, file: string): Variant<object> {
  if (isVariant(module.default)) return module.default;
  const found = [...new Set(Object.values(module).filter(isVariant))];
  if (found.length === 1) return found[0];
  if (found.length > 1) {
    const names = found.map(({ name }) => name).join(', ');
    throw new ClozeError(
      'input',
      `${file} exports several variants: ${names}`,
      'Make one the default export',
    );
  }
  throw new ClozeError(
    'input',
    `${file} exports no variant`,
    'Export an object with name, supports(capabilities, problem), source(problem, capabilities) and workgroups(problem, capabilities)',
  );
}
