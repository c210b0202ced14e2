/** Tuned kernels in a training run: which problems it has, and which choices it is held to. */
import type { Engine } from '../../autograd/index.ts';
import { type KernelProblem, loadTuning, Tuning } from '../../kernels/index.ts';
import { parseChoices } from '../../kernels/tuning.ts';
import type { Dataset } from '../data/dataset.ts';
import type { Session } from '../data/session.ts';
import type { RunStore } from '../storage/storage.ts';
import { parseVocabTxt } from '../tokenizer/index.ts';
import type { TrainOptions } from './options.ts';
import { Trainer } from './trainer.ts';

/** The choices in use, in the folder of a run. */
const choicesFile = 'tuning.json';

/**
 * The kernels of one training step, each problem once. The step is run on the engine, in memory alone; the engine is
 * then as before, but for its pipelines and pooled buffers.
 */
export async function stepProblems(
  engine: Engine,
  session: Pick<Session, 'tokenizer' | 'train'>,
  options: TrainOptions,
): Promise<KernelProblem[]> {
  const before = engine.launcher.tuning;
  engine.launcher.tuning = undefined;
  const score = { loss: 0, accuracy: 0 };
  const trainer = new Trainer({
    engine,
    options: { ...options, steps: 1, evalSequences: 1 },
    session: {
      name: 'tuning',
      documents: session.train.size,
      validation: session.train,
      baselines: () => ({ unigram: score, neighbours: score }),
      ...session,
    },
  });
  try {
    for await (const { event } of trainer.run()) if (event === 'step') break;
    return engine.launcher.problems;
  } finally {
    trainer.dispose();
    engine.device.trim();
    engine.launcher.tuning = before;
  }
}

/** What a step on a vocabulary of this size reads, where there is no text: rows full of its words. */
export function vocabularySession(vocabSize: number, seqLen: number, rows: number) {
  const special = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]'];
  const words = Array.from({ length: vocabSize - special.length }, (_, i) => `w${i}`);
  const tokenizer = parseVocabTxt([...special, ...words].join('\n'));
  const train: Dataset = {
    T: seqLen,
    size: rows,
    lengths: new Uint32Array(rows).fill(seqLen),
    row: (index) =>
      Uint32Array.from({ length: seqLen }, (_, i) => special.length + ((index * seqLen + i) % words.length)),
    vocabulary: tokenizer,
    tokens: rows * seqLen,
  };
  return { train, tokenizer };
}

/**
 * Gives a run its tuned choices: those that hold on this adapter, or, for a run that is resumed, those that it began
 * with, so that it goes on bit for bit. They are written beside the run. With `use` false there are none.
 */
export async function tuneRun(
  engine: Engine,
  store: RunStore,
  { resume, use }: { resume: boolean; use: boolean },
): Promise<void> {
  let tuning: Tuning | undefined;
  if (use && resume) {
    const text = await store.readText(choicesFile);
    tuning = text === undefined ? undefined : new Tuning(parseChoices(text, choicesFile));
  } else if (use) {
    tuning = await loadTuning(engine.device.capabilities);
  }
  engine.launcher.tuning = tuning;
  if (tuning && !resume) await store.write(choicesFile, `${JSON.stringify(tuning, null, 1)}\n`);
}
