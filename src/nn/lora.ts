/** Low-rank adaptation of a model's linear layers (Hu et al., "LoRA: Low-Rank Adaptation of Large Language Models", 2021). */
import { ClozeError } from '../gpu/index.ts';
import { Linear, type LoraOptions } from './linear.ts';
import type { Module } from './module.ts';
import { type StoredTensor, storedTensor, toFloat32 } from './stored.ts';

/** Whether a parameter of this name belongs to an adaptation. PEFT names them so, too. */
export const isLora = (name: string) => /\.lora_[AB]\.weight$/.test(name);

/**
 * Adapts every linear layer below `model` whose own name is one of `targets`, such as `query`. Called before `materialize`.
 * Throws `option` naming a target that is no linear layer's name.
 */
export function addLora(model: Module, targets: readonly string[], options: LoraOptions): void {
  const layers = [...model.namedModules()].flatMap(([name, module]) =>
    module instanceof Linear ? [{ name: name.slice(name.lastIndexOf('.') + 1), layer: module }] : [],
  );
  const known = new Set(layers.map(({ name }) => name));
  const stranger = targets.find((target) => !known.has(target));
  if (stranger !== undefined) {
    throw new ClozeError('option', `there is no linear layer ${stranger}`, `Known: ${[...known].join(', ')}`);
  }
  for (const { name, layer } of layers) if (targets.includes(name)) layer.adapt(options);
}

/** The tensors of the same model without adaptations: each adapted weight W as W + (alpha / rank) · B A. */
export function mergeLora(
  tensors: ReadonlyMap<string, StoredTensor>,
  { rank, alpha }: LoraOptions,
): Map<string, StoredTensor> {
  const merged = new Map([...tensors].filter(([name]) => !isLora(name)));
  for (const [name, factor] of tensors) {
    if (!name.endsWith('.lora_B.weight')) continue;
    const layer = name.slice(0, -'.lora_B.weight'.length);
    const weight = tensors.get(`${layer}.weight`) as StoredTensor;
    const [b, a, w] = [factor, tensors.get(`${layer}.lora_A.weight`) as StoredTensor, weight].map(toFloat32);
    const [outFeatures, inFeatures] = weight.shape;
    const sum = Float32Array.from(w, (value, at) => {
      const [row, column] = [Math.floor(at / inFeatures), at % inFeatures];
      let change = 0;
      for (let r = 0; r < rank; r++) change += b[row * rank + r] * a[r * inFeatures + column];
      return value + (alpha / rank) * change;
    });
    merged.set(`${layer}.weight`, storedTensor(sum, [outFeatures, inFeatures]));
  }
  return merged;
}
