/** The worker: owns the GPU, the run and its files, and answers the page's calls. */
import { Engine } from '../../src/autograd/index.ts';
import { ClozeError } from '../../src/gpu/errors.ts';
import type { Source } from '../../src/mlm/data/sources.ts';
import {
  descriptionFiles,
  type FileReader,
  loadPretrained,
  type Pretrained,
  weightsFile,
} from '../../src/mlm/pretrained.ts';
import { packModel, unpackModel } from '../../src/mlm/storage/archive.ts';
import type { OpfsStore } from '../../src/mlm/storage/opfs-store.browser.ts';
import { parseOptions } from '../../src/mlm/training/options.ts';
import type { Calls, Failure, Look, Message, News, Request, RunRecord, Word } from '../protocol.ts';
import { optionForm } from './form.ts';
import { benchmark, kernelCases, kernelSource } from './kernels.ts';
import {
  listRuns,
  openRun,
  readHistory,
  readRecord,
  readTexts,
  removeRun,
  writeRecord,
  writeTexts,
} from './library.ts';
import { look } from './look.ts';
import { openSession, sampleOf } from './session.ts';
import { Training } from './training.ts';

let engine: Engine | undefined;
/** The run under way, or the last one, whose model still answers. */
let training: Training | undefined;
let busy = false;
/** What was asked of a run that is still being prepared. */
let wanted: 'pause' | 'stop' | undefined;
/** A model that was loaded from files. */
let loaded: Pretrained | undefined;
let words: Word[] = [];
let endBenchmark = false;

const modelFiles = ['config.json', 'tokenizer.json', 'model.safetensors'];

function post(message: Message, transfer: Transferable[] = []): void {
  (self as unknown as Worker).postMessage(message, transfer);
}

const tell = (news: News): void => post({ kind: 'news', news });

let last: Promise<unknown> = Promise.resolve();

/** One at a time, in the order of the calls. */
function exclusive<T>(work: () => Promise<T>): Promise<T> {
  const result = last.then(work);
  last = result.catch(() => {});
  return result;
}

/** The engine; another one after its device was lost. */
async function opened(): Promise<Engine> {
  if (engine) return engine;
  const another = await Engine.open();
  engine = another;
  void another.device.gpu.lost.then(() => {
    if (engine === another) engine = undefined;
  });
  return another;
}

const present = (): Pretrained | undefined => loaded ?? training?.model;

async function lookNow(): Promise<Look | null> {
  const model = present();
  if (!model || words.length === 0) return null;
  return exclusive(() => look(model, words, loaded ? 0 : (training?.step ?? 0)));
}

async function lookAndTell(): Promise<number> {
  // A sentence may be too long for this model: that is told when it is asked for, and is no reason to stop the run.
  const seen = await lookNow().catch(() => null);
  if (seen) tell({ type: 'look', look: seen });
  return seen?.took ?? 0;
}

function clearModels(): void {
  training?.dispose();
  training = undefined;
  loaded?.slab.dispose();
  loaded = undefined;
}

/** Tells of every hundredth of the way through a large text. */
function tellProgress(): (share: number, what: string) => void {
  let told = '';
  return (share, what) => {
    const text = `${what}: ${Math.floor(100 * share)} %`;
    if (text !== told) tell({ type: 'phase', text });
    told = text;
  };
}

function refuseWhileBusy(): void {
  if (busy) throw new ClozeError('option', 'a run or a measurement is under way', 'Stop it first');
}

/** Opens the session of a run and trains it; the news tell how it goes. `texts`: what it reads instead of a built-in corpus. */
async function train(
  record: RunRecord,
  store: OpfsStore,
  texts: readonly Source[] | undefined,
  resume: boolean,
): Promise<void> {
  busy = true;
  wanted = undefined;
  try {
    clearModels();
    tell({ type: 'run', run: record });
    tell({ type: 'phase', text: 'Reading the text, and learning its words' });
    const session = await openSession(record.options, texts, tellProgress());
    tell({ type: 'phase', text: 'Counting, to have something to beat' });
    if (!resume && texts) tell({ type: 'sample', words: sampleOf(session) });
    training = await Training.begin({
      engine: await opened(),
      reopen: opened,
      session,
      store,
      record,
      resume,
      tell,
      look: lookAndTell,
      exclusive,
    });
    if (wanted === 'pause') training.pause();
    if (wanted === 'stop') training.stop();
    await training.run();
  } catch (error) {
    if (!training) {
      // The text could not be read: a reload is not to try it again.
      const run: RunRecord = { ...record, state: 'failed' };
      tell({ type: 'run', run });
      await writeRecord(store, run).catch(() => {});
    }
    tell({ type: 'failed', failure: failureOf(error) });
  } finally {
    busy = false;
  }
}

const calls: {
  [Name in keyof Calls]: (...args: Parameters<Calls[Name]>) => Promise<ReturnType<Calls[Name]>>;
} = {
  async open() {
    const { name, software } = (await opened()).device.capabilities;
    return { adapter: name, software };
  },

  runs: listRuns,

  async history(id) {
    return readHistory(await openRun(id));
  },

  async remove(id) {
    if (busy && training?.record.id === id) refuseWhileBusy();
    await removeRun(id);
  },

  form: async (given) => optionForm(given),

  async start({ options: input, texts }) {
    refuseWhileBusy();
    const options = parseOptions(input);
    const began = Date.now();
    const id = `run-${began}`;
    const name = texts?.map((text) => text.name).join(', ') ?? options.data.join(' ');
    const record: RunRecord = { id, name, began, options, state: 'running', start: null };
    const store = await openRun(id);
    if (texts) {
      tell({ type: 'run', run: record });
      tell({ type: 'phase', text: 'Keeping a copy of the text' });
      await writeTexts(store, texts).catch(async (error) => {
        tell({ type: 'run', run: { ...record, state: 'failed' } });
        await removeRun(id);
        throw error;
      });
    }
    await writeRecord(store, record);
    void train(record, store, await readTexts(store), false);
  },

  async resume(id) {
    refuseWhileBusy();
    const record = await readRecord(id);
    if (!record) throw new ClozeError('input', 'that run is no longer there');
    const store = await openRun(id);
    const begun = (await store.readCheckpoint('checkpoint')) !== undefined;
    void train({ ...record, state: 'running' }, store, await readTexts(store), begun);
  },

  async pause() {
    if (training) training.pause();
    else wanted = 'pause';
  },

  async go() {
    if (training) training.go();
    else wanted = undefined;
  },

  async stop() {
    if (training) training.stop();
    else wanted = 'stop';
  },

  async look(sentence) {
    words = sentence;
    return lookNow();
  },

  async save(id) {
    if (id === undefined) {
      const model = present();
      if (!model) throw new ClozeError('input', 'there is no model to save', 'Train one, or load one');
      const weights = await exclusive(() => weightsFile(model.slab, model.config));
      return packModel({ ...descriptionFiles(model.config, model.tokenizer), 'model.safetensors': weights });
    }
    const store = await openRun(id);
    const checkpoint = await store.readCheckpoint('best');
    const files: Record<string, Uint8Array> = {};
    for (const name of modelFiles) {
      const bytes = (await store.readBytes(name)) ?? checkpoint?.[name];
      if (!bytes)
        throw new ClozeError(
          'input',
          'this run has saved no model yet',
          'Let it go on to its first validation',
        );
      files[name] = bytes;
    }
    return packModel(files);
  },

  async load(files) {
    refuseWhileBusy();
    const [first] = files;
    const isZip = files.length === 1 && /\.zip$/i.test(first.name);
    const byName = new Map(files.map(({ name, bytes }) => [name, bytes]));
    const read: FileReader = isZip ? unpackModel(first.bytes, first.name) : async (name) => byName.get(name);
    const name = isZip ? first.name : 'the chosen files';
    const model = await loadPretrained(await opened(), read, name);
    clearModels();
    loaded = model;
    const { num_hidden_layers: layers, num_attention_heads: heads } = model.config;
    return { name, parameters: model.slab.size, layers, heads };
  },

  async cases() {
    return kernelCases((await opened()).device);
  },

  async benchmark(kernels, quick) {
    refuseWhileBusy();
    busy = true;
    endBenchmark = false;
    try {
      return await benchmark((await opened()).device, kernels, quick, tell, () => endBenchmark);
    } finally {
      busy = false;
    }
  },

  async endBenchmark() {
    endBenchmark = true;
  },

  async source(kernel, shape, variant) {
    return kernelSource((await opened()).device, kernel, shape, variant);
  },
};

function failureOf(error: unknown): Failure {
  if (error instanceof ClozeError) return { code: error.code, message: error.message };
  return { code: 'error', message: error instanceof Error ? error.message : String(error) };
}

self.onmessage = async ({ data: { id, call, args } }: MessageEvent<Request>) => {
  try {
    const result = await (calls[call] as (...args: unknown[]) => Promise<unknown>)(...args);
    post({ kind: 'result', id, result }, result instanceof Uint8Array ? [result.buffer as ArrayBuffer] : []);
  } catch (error) {
    post({ kind: 'failure', id, failure: failureOf(error) });
  }
};
