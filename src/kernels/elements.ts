/**
 * The variants that every element-wise kernel has, out of one shader text: `scalar` (any count) and `vec4` (a count
 * that is a multiple of 4; one invocation loads and stores four neighbours at once).
 */
import type { Capabilities } from '../gpu/index.ts';
import { type Precision, spread, type Variant } from './spec.ts';

/**
 * Starting an invocation costs a software adapter more than moving four numbers, so there each one is given 16 turns;
 * a GPU is given as many invocations as there is work.
 */
export const turns = ({ software }: Capabilities) => (software ? 16 : 1);

export function elementVariants<P extends { count: number }>(
  source: (width: 1 | 4, problem: P & Precision) => string,
): Variant<P>[] {
  return [
    {
      name: 'scalar',
      supports: () => true,
      source: (problem) => source(1, problem),
      workgroups: ({ count }, capabilities) => spread(Math.ceil(count / 64 / turns(capabilities))),
    },
    {
      name: 'vec4',
      supports: (_, { count }) => count % 4 === 0 || 'the count is not a multiple of 4',
      source: (problem) => source(4, problem),
      workgroups: ({ count }, capabilities) => spread(Math.ceil(count / 256 / turns(capabilities))),
    },
  ];
}
