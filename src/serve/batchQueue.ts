/**
 * Work that waits for the GPU. While a batch runs, what arrives meanwhile waits and forms the next one: no request waits for
 * company, and the busier the server, the larger its batches.
 */
import { ClozeError } from '../gpu/errors.ts';

/** One text's worth of work. */
export interface Job {
  /** Only jobs of one kind share a batch. */
  readonly kind: string;
  /** Tokens: jobs of about one length share a batch, so that little of it is padding. */
  readonly length: number;
}

export interface QueueOptions<J extends Job, Answer> {
  /** Answers to jobs of one kind, in their order. */
  run(jobs: readonly J[]): Promise<readonly Answer[]>;
  /** Most jobs of a batch. */
  maxBatch: number;
  /** Most jobs that wait; the batch that runs is not counted. */
  capacity: number;
  /** Is told of each batch when it is done. */
  onBatch?(batch: { kind: string; size: number; seconds: number }): void;
}

/** The queue has no room: the caller may come again. */
export class BusyError extends Error {}

interface Waiting<J, Answer> {
  job: J;
  resolve(answer: Answer): void;
  reject(reason: unknown): void;
}

export class BatchQueue<J extends Job, Answer> {
  private readonly options: QueueOptions<J, Answer>;
  private waiting: Waiting<J, Answer>[] = [];
  private working: Promise<void> | undefined;

  constructor(options: QueueOptions<J, Answer>) {
    this.options = options;
  }

  /** Jobs that wait. */
  get length(): number {
    return this.waiting.length;
  }

  /**
   * The answers to `jobs`, in their order. All of them are taken or none. When `signal` fires, those that still wait are forgotten, and the
   * promise rejects with its reason. Rejects with BusyError where the queue has no room for all.
   */
  async submit(jobs: readonly J[], signal?: AbortSignal): Promise<Answer[]> {
    signal?.throwIfAborted();
    const { capacity } = this.options;
    if (this.waiting.length + jobs.length > capacity) {
      throw new BusyError(`${this.waiting.length} texts wait already, and ${capacity} may`);
    }
    const entries: Waiting<J, Answer>[] = [];
    const answers = jobs.map(
      (job) =>
        new Promise<Answer>((resolve, reject) => {
          entries.push({ job, resolve, reject });
        }),
    );
    const own = new Set(entries);
    const withdraw = () => {
      this.waiting = this.waiting.filter((entry) => !own.has(entry));
      for (const { reject } of entries) reject(signal?.reason);
    };
    signal?.addEventListener('abort', withdraw, { once: true });
    this.waiting.push(...entries);
    this.working ??= this.work();
    try {
      return await Promise.all(answers);
    } finally {
      signal?.removeEventListener('abort', withdraw);
      // Where one job has failed, the answers to the others are of no use.
      withdraw();
    }
  }

  /** Resolves when nothing waits or runs. */
  async drained(): Promise<void> {
    while (this.working) await this.working;
  }

  private async work(): Promise<void> {
    while (this.waiting.length > 0) await this.runBatch(this.take());
    this.working = undefined;
  }

  /** The job that has waited longest, and those of its kind that are nearest to it in length. */
  private take(): Waiting<J, Answer>[] {
    const [{ job: oldest }] = this.waiting;
    const distance = ({ job }: Waiting<J, Answer>) => Math.abs(job.length - oldest.length);
    const batch = this.waiting
      .filter(({ job }) => job.kind === oldest.kind)
      .sort((a, b) => distance(a) - distance(b))
      .slice(0, this.options.maxBatch);
    const taken = new Set(batch);
    this.waiting = this.waiting.filter((entry) => !taken.has(entry));
    return batch;
  }

  /** Jobs of a batch that fails are tried one by one, so that a bad one harms no other. */
  private async runBatch(batch: readonly Waiting<J, Answer>[]): Promise<void> {
    const began = performance.now();
    try {
      const answers = await this.options.run(batch.map(({ job }) => job));
      batch.forEach(({ resolve }, i) => {
        resolve(answers[i]);
      });
      const seconds = (performance.now() - began) / 1000;
      this.options.onBatch?.({ kind: batch[0].job.kind, size: batch.length, seconds });
    } catch (error) {
      const lost = error instanceof ClozeError && ['device-lost', 'closed'].includes(error.code);
      if (batch.length === 1 || lost) for (const { reject } of batch) reject(error);
      else for (const entry of batch) await this.runBatch([entry]);
    }
  }
}
