/** Scores a model on batches of its objective. */
import type { Engine } from '../../autograd/index.ts';
import type { Batch } from '../data/batch.ts';
import { uploadBatch } from '../data/batchInputs.ts';
import type { Trainee } from '../objectives/objective.ts';
import type { Score } from '../training/events.ts';
import { gather } from '../training/step.ts';

/**
 * Mean loss and the share of predictions that are right, over all batches; 0 where nothing is asked for. The masks are the
 * batches' own, and what a model draws itself follows from a fixed seed: equal batches give comparable scores. Dropout is off.
 */
export async function evaluate(engine: Engine, trainee: Trainee, batches: Iterable<Batch>): Promise<Score> {
  trainee.model.eval();
  const total = { loss: 0, hits: 0, normalizer: 0, count: 0 };
  const ofTokens = trainee.scores === 'tokens';
  // Where two sums are divided by different numbers, their ratio must be known beforehand, and be that of all batches.
  const all = ofTokens ? [...batches] : batches;
  const tokens = ofTokens ? tokensPerNormalizer(all) : 1;
  let index = 0;
  for (const batch of all) {
    engine.seed(0, index++);
    const numbers = engine.noGrad(() =>
      engine.scope(() => {
        const result = trainee.loss(uploadBatch(engine, trainee, batch, { normalizer: 1, tokens }));
        const numbers = engine.empty([2]);
        gather(numbers, 0, [result.loss, result.hits]);
        return numbers;
      }, 'evaluate'),
    );
    const [sum, right] = await numbers.data();
    numbers.dispose();
    total.loss += sum;
    total.hits += right;
    total.normalizer += batch.normalizer;
    total.count += ofTokens ? batch.tokens : batch.count;
  }
  if (total.count === 0) return { loss: 0, accuracy: 0 };
  return { loss: total.loss / total.normalizer, accuracy: total.hits / total.count };
}

/** Tokens for each unit of the normalizer. */
function tokensPerNormalizer(batches: Iterable<Batch>): number {
  let tokens = 0;
  let normalizer = 0;
  for (const batch of batches) {
    tokens += batch.tokens;
    normalizer += batch.normalizer;
  }
  return tokens / (normalizer || 1);
}
