/**
 * Walks two tensors with strides over up to six axes, outermost first (`src/kernels/strides.ts`). The number of axes
 * is part of the text, so that the usual one or two cost no division too many; sizes and strides are in `Params`.
 */
import { wgsl } from 'wgsl-preprocessor/wgsl-preprocessor.js';
import { flatWorkgroup } from './common.ts';

const axes = [0, 1, 2, 3, 4, 5];
const fields = (name: string) => axes.map((axis) => `${name}${axis}: u32,`).join(' ');

/** Fields for the struct `Params`. */
export const strideFields = wgsl`
  ${fields('size')}
  ${fields('first')}
  ${fields('second')}
`;

/** Defines `offsets(index)`: where the two tensors have the element that comes at `index` in the iteration. */
export const strideOffsets = (active: number) => wgsl`
fn offsets(index: u32) -> vec2u {
  var rest = index;
  var at = vec2u(0);
${axes
  .slice(axes.length - active + 1)
  .reverse()
  .map(
    (axis) => `
  at += rest % params.size${axis} * vec2u(params.first${axis}, params.second${axis});
  rest /= params.size${axis};`,
  )
  .join('')}
  return at + rest * vec2u(params.first${axes.length - active}, params.second${axes.length - active});
}

${flatWorkgroup}
`;
