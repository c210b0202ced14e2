/** A run whose store has no more room. */
import { expect, test } from 'vitest';
import { ClozeError } from '../../../src/gpu/errors.ts';
import { type CheckpointFiles, MemoryStore } from '../../../src/mlm/index.ts';
import { run } from '../training.ts';

/** Has room for so many checkpoints to resume from. */
class SmallStore extends MemoryStore {
  room: number;

  constructor(room: number) {
    super();
    this.room = room;
  }

  override async writeCheckpoint(name: string, files: CheckpointFiles): Promise<void> {
    if (name === 'checkpoint' && --this.room < 0) throw new ClozeError('io', 'the disk is full');
    return super.writeCheckpoint(name, files);
  }
}

test('a run that finds the disk full ends with that, and goes on from its last checkpoint when there is room', async () => {
  const options = { checkpointEvery: 3 };
  const whole = await run(options);
  const store = new SmallStore(2);
  await expect(run(options, { store })).rejects.toMatchObject({ code: 'io', message: 'the disk is full' });
  store.room = Number.POSITIVE_INFINITY;
  const rest = await run(options, { store, resume: true });
  expect(rest.events.find(({ event }) => event === 'start')).toMatchObject({ firstStep: 7 });
  expect(rest.weights).toEqual(whole.weights);
  expect(rest.metrics).toBe(whole.metrics);
});
