/**
 * The variants that every kernel along rows has, out of one shader text (`shaders/rows.ts`), simplest first:
 * `row` gives each invocation a row; `row-vec4` does so in steps of four columns; `workgroup` lets 64
 * invocations share a row, so that they read neighbouring memory, and add up through workgroup memory; `subgroup` lets the lanes
 * of a subgroup do so, which needs neither barriers nor workgroup memory, but subgroups of one known size.
 */
import type { Team } from '../../shaders/rows.ts';
import type { Capabilities } from '../gpu/index.ts';
import { type Precision, spread, type Variant } from './spec.ts';

export interface RowShape {
  rows: number;
  columns: number;
}

/** `shape` reads a problem's rows and columns, `source` is the kernel's text for a team. */
export function rowVariants<P>(
  shape: (problem: P) => RowShape,
  source: (team: Team, problem: P & Precision) => string,
): Variant<P>[] {
  const aligned = (problem: P) => shape(problem).columns % 4 === 0;
  const rowEach = (problem: P) => spread(Math.ceil(shape(problem).rows / 64));
  return [
    {
      name: 'row',
      supports: () => true,
      source: (problem) => source({ width: 1, subgroup: 0 }, problem),
      workgroups: rowEach,
    },
    {
      name: 'row-vec4',
      supports: (_, problem) => aligned(problem) || 'the columns are not a multiple of 4',
      source: (problem) => source({ width: 4, subgroup: 0 }, problem),
      workgroups: rowEach,
    },
    {
      name: 'workgroup',
      supports: (_, problem) =>
        shape(problem).columns >= 64 || 'most of a workgroup would have nothing to do in rows this short',
      source: (problem) => source({ width: aligned(problem) ? 4 : 1, subgroup: 0, workgroup: true }, problem),
      workgroups: (problem) => spread(shape(problem).rows),
    },
    {
      name: 'subgroup',
      supports: (capabilities) => fixedSubgroups(capabilities) || 'needs subgroups of one fixed size',
      source: (problem, { subgroupMinSize }) =>
        source({ width: aligned(problem) ? 4 : 1, subgroup: subgroupMinSize }, problem),
      workgroups: (problem) => spread(shape(problem).rows),
    },
  ];
}

const fixedSubgroups = ({ subgroupMinSize, subgroupMaxSize }: Capabilities) =>
  subgroupMinSize > 0 && subgroupMinSize === subgroupMaxSize;

/**
 * The variant for a shape. Software adapters run lanes one after the other and pay dearly for barriers, so a short row
 * is best left to one of them, and a longer one where there are rows enough for every core. On a GPU neighbouring lanes
 * must read neighbouring memory: a subgroup shares a row where its size is known, elsewhere (Intel and most AMD) a
 * workgroup does.
 */
export function chooseRowVariant(capabilities: Capabilities, { rows, columns }: RowShape): string {
  const fixed = fixedSubgroups(capabilities);
  if (!capabilities.software && fixed) return 'subgroup';
  if (!capabilities.software && columns >= 64) return 'workgroup';
  if (fixed && columns > (rows >= 512 ? 1024 : 512)) return 'subgroup';
  return columns % 4 === 0 ? 'row-vec4' : 'row';
}
