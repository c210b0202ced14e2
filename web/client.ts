/** The page's side of the worker: calls as promises, news to a listener. */
import type { CallName, Calls, Failure, Message, News, Request } from './protocol.ts';

/** An error that the worker told of. */
export class WorkerFailure extends Error {
  readonly code: string;

  constructor({ code, message }: Failure) {
    super(message);
    this.name = 'WorkerFailure';
    this.code = code;
  }
}

interface Pending {
  resolve(result: unknown): void;
  reject(error: Error): void;
}

export class Client {
  private readonly worker: Worker;
  private readonly pending = new Map<number, Pending>();
  private count = 0;

  constructor(listen: (news: News) => void) {
    this.worker = new Worker(new URL('./worker/main.ts', import.meta.url), { type: 'module' });
    this.worker.onmessage = ({ data }: MessageEvent<Message>) => {
      if (data.kind === 'news') return listen(data.news);
      const pending = this.pending.get(data.id);
      this.pending.delete(data.id);
      if (data.kind === 'result') pending?.resolve(data.result);
      else pending?.reject(new WorkerFailure(data.failure));
    };
    this.worker.onerror = ({ message }) => listen({ type: 'failed', failure: { code: 'error', message } });
  }

  call<Name extends CallName>(
    call: Name,
    ...args: Parameters<Calls[Name]>
  ): Promise<ReturnType<Calls[Name]>> {
    const id = ++this.count;
    return new Promise((resolve, reject) => {
      this.pending.set(id, { resolve: resolve as Pending['resolve'], reject });
      this.worker.postMessage({ id, call, args } satisfies Request);
    });
  }
}
