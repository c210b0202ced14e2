/** PyTorch on the CPU, in a Python process of its own: context for the figures, not a peer on the same adapter. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Competitor } from './competitor.ts';
import { adamwStep, type Operand } from './operations.ts';
import { optimizer, type Training, type TrainingTask } from './training.ts';

interface Reply {
  error?: string;
  /** The first number of what was computed. */
  first?: number;
}

/** The script lies beside the source of this file, which may be running as built, in `dist/bench/peers/`. */
const script = ['pytorch.py', '../../../bench/peers/pytorch.py']
  .map((path) => fileURLToPath(new URL(path, import.meta.url)))
  .find((path) => existsSync(path))!;

/** A running Python. Requests are answered in their order. */
class Python {
  private readonly process: ChildProcess;
  private readonly folder = mkdtempSync(join(tmpdir(), 'cloze-pytorch-'));
  private readonly waiting: ((reply: Reply) => void)[] = [];
  private files = 0;
  private ended: string | undefined;

  static async start(): Promise<Python> {
    const python = new Python();
    await python.next();
    return python;
  }

  private constructor() {
    this.process = spawn(process.env.CLOZE_PYTHON ?? 'python3', [script], {
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    let complaint = '';
    this.process.stderr?.on('data', (text) => {
      complaint += text;
    });
    const end = (why: string) => {
      this.ended ??= why;
      for (const tell of this.waiting.splice(0)) tell({ error: this.ended });
    };
    this.process.on('error', (error) => end(`Python does not start: ${error.message}`));
    this.process.on('close', () => end(complaint.trim().split('\n').at(-1) || 'Python ended'));
    createInterface({ input: this.process.stdout! }).on('line', (line) => {
      this.waiting.shift()?.(JSON.parse(line) as Reply);
    });
  }

  /** Throws, in words, what went wrong in Python. */
  async ask(request: object): Promise<Reply> {
    if (!this.ended) this.process.stdin?.write(`${JSON.stringify(request)}\n`);
    return this.next();
  }

  async load(name: string, { data, shape }: Operand): Promise<void> {
    const file = this.file();
    writeFileSync(file, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    const type = data instanceof Int32Array ? 'i32' : 'f32';
    await this.ask({ kind: 'load', name, file, shape, type });
    rmSync(file);
  }

  /** The results of what was asked for, at most two or three. */
  async results(): Promise<Float32Array[]> {
    const files = [this.file(), this.file(), this.file()];
    for (const file of files) writeFileSync(file, '');
    await this.ask({ kind: 'results', files });
    const results = files.map((file) => new Float32Array(Uint8Array.from(readFileSync(file)).buffer));
    return results.filter(({ length }) => length > 0);
  }

  close(): void {
    this.process.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }

  private async next(): Promise<Reply> {
    const reply = await new Promise<Reply>((resolve) => {
      if (this.ended) resolve({ error: this.ended });
      else this.waiting.push(resolve);
    });
    if (reply.error) throw new Error(reply.error);
    return reply;
  }

  private file(): string {
    return join(this.folder, `${this.files++}`);
  }
}

export async function pytorchCompetitor(): Promise<Competitor> {
  const python = await Python.start();
  let calls = 0;
  return {
    name: 'pytorch',
    prepare: async (name, operands) => {
      await python.ask({ kind: 'forget' });
      for (const [key, operand] of Object.entries(operands)) await python.load(key, operand);
      await python.ask({ kind: 'operation', name, hyper: adamwStep });
      return {
        results: () => python.results(),
        call: () => {
          calls++;
        },
        dispose: () => {},
      };
    },
    finish: async () => {
      if (calls > 0) await python.ask({ kind: 'call', times: calls });
      calls = 0;
    },
    close: () => python.close(),
  };
}

export async function pytorchTraining({ config, B, T, ...task }: TrainingTask): Promise<Training> {
  const python = await Python.start();
  for (const [name, weight] of task.weights) await python.load(name, weight);
  for (const name of ['ids', 'positions', 'labels'] as const) {
    await python.load(name, { data: task[name], shape: [task[name].length] });
  }
  const decayed = [...task.weights].filter(([, { decays }]) => decays).map(([name]) => name);
  await python.ask({ kind: 'training', config, B, T, decayed, hyper: optimizer });
  return {
    step: async () => (await python.ask({ kind: 'call', times: 1 })).first!,
    close: () => python.close(),
  };
}
