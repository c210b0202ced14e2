/** Pieces of WGSL that several kernels share. */
import { wgsl } from 'wgsl-preprocessor/wgsl-preprocessor.js';

/**
 * Workgroups are spread over two dimensions when there are more than 65,535 (`spread` in `src/kernels/spec.ts`);
 * this is the index that one dimension would have had. It may run past the last one.
 */
export const flatWorkgroup = wgsl`
fn flatWorkgroup(id: vec3u, count: vec3u) -> u32 {
  return id.x + id.y * count.x;
}
`;
