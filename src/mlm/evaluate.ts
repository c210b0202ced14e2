/** Scores a masked language model on masked batches. */
import type { Engine } from '../autograd/index.ts';
import type { Batch } from './batch.ts';
import { maskedLoss, uploadBatch } from './batchInputs.ts';
import type { BertForMaskedLM } from './bert/heads.ts';
import type { Score } from './events.ts';
import { gather } from './step.ts';

/**
 * Mean loss in nats per masked token and the share predicted right, over all batches. The masks are the batches' own:
 * equal batches give comparable scores. Dropout is off.
 */
export async function evaluate(
  engine: Engine,
  model: BertForMaskedLM,
  batches: Iterable<Batch>,
): Promise<Score> {
  model.eval();
  let loss = 0;
  let hits = 0;
  let count = 0;
  for (const batch of batches) {
    const numbers = engine.noGrad(() =>
      engine.scope(() => {
        const { loss, hits } = maskedLoss(model, uploadBatch(engine, model, batch, 1));
        const numbers = engine.empty([2]);
        gather(numbers, 0, [loss, hits]);
        return numbers;
      }, 'evaluate'),
    );
    const [sum, right] = await numbers.data();
    numbers.dispose();
    loss += sum;
    hits += right;
    count += batch.count;
  }
  return count > 0 ? { loss: loss / count, accuracy: hits / count } : { loss: 0, accuracy: 0 };
}
