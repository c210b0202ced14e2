/** How a model writes, by the objective that it was trained by. */

/** `none`: what it leaves is no language model. */
export type WayOfWriting = 'causal' | 'unmask' | 'beams' | 'none';

export function wayOfWriting(objective: string): WayOfWriting {
  if (['causal', 'mntp', 'hybrid'].includes(objective)) return 'causal';
  if (['t5', 'bart', 'seq2seq'].includes(objective)) return 'beams';
  return ['electra', 'autoencoder'].includes(objective) ? 'none' : 'unmask';
}
