/**
 * The random numbers of `src/kernels/random.ts` in WGSL: word i of the stream (seed, stream, substream) is
 * `pcg4d(vec4u(seed, stream, substream, i / 4))[i % 4]`.
 *
 * pcg4d: Jarzynski and Olano, "Hash Functions for GPU Rendering", JCGT 9(3), 2020.
 */
import { wgsl } from 'wgsl-preprocessor/wgsl-preprocessor.js';

export const pcg4d = wgsl`
fn pcg4d(counter: vec4u) -> vec4u {
  var v = counter * 1664525u + 1013904223u;
  v = mix4(v);
  v = mix4(v ^ (v >> vec4u(16)));
  return v;
}

// Each line uses what the line before has changed.
fn mix4(words: vec4u) -> vec4u {
  var v = words;
  v.x += v.y * v.w;
  v.y += v.z * v.x;
  v.z += v.x * v.y;
  v.w += v.y * v.z;
  return v;
}
`;
