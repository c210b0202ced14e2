/**
 * Waiting for the GPU from Node. While any of its promises is pending, Dawn's binding looks for news in every turn of
 * the event loop without a pause, and so takes a whole core away from a software adapter. Here the loop pauses a
 * little in each turn: longer the longer the wait has lasted, so that a wait ends at most about a tenth late.
 */
const cell = new Int32Array(new SharedArrayBuffer(4));
const longest = 1; // milliseconds: what timers and input may have to wait for their turn
let waiting = 0;
let began = 0;
let pausing = false;

function pause(): void {
  pausing = waiting > 0;
  if (!pausing) return;
  Atomics.wait(cell, 0, 0, Math.min(longest, (performance.now() - began) / 10));
  setImmediate(pause);
}

export async function patiently<T>(promise: Promise<T>): Promise<T> {
  if (waiting++ === 0) began = performance.now();
  if (!pausing) {
    pausing = true;
    setImmediate(pause);
  }
  try {
    return await promise;
  } finally {
    waiting--;
  }
}
