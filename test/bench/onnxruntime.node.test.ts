import { expect, test } from 'vitest';
import { onnxruntimeWasm } from '../../bench/peers/onnxruntime.node.ts';
import { operations } from '../../bench/peers/operations.ts';
import { Random } from '../../src/kernels/index.ts';

const differentiate = ['layerNorm+backward', 'crossEntropy+backward', 'adamw'];

test('ONNX Runtime computes every forward pass as its operation says, and refuses gradients', async () => {
  const library = await onnxruntimeWasm();
  for (const operation of operations) {
    const operands = operation.operands([6, 5, 7, 8].slice(0, operation.axes.length), new Random(1, 1));
    if (differentiate.includes(operation.name)) {
      await expect(library.prepare(operation.name, operands)).rejects.toThrow('has no gradients');
      continue;
    }
    const prepared = await library.prepare(operation.name, operands);
    const [got] = await prepared.results();
    const [want] = operation.reference(operands);
    expect(got).toHaveLength(want.length);
    for (let i = 0; i < want.length; i++) expect(Math.abs(got[i] - want[i])).toBeLessThan(1e-5);
    prepared.call();
    await library.finish();
    prepared.dispose();
  }
});
