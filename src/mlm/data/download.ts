/** Downloads that survive a broken line: what has arrived is not asked for again where the server can go on from a place. */
import { ClozeError } from '../../gpu/errors.ts';

/** What tells one version of a page from the next; both null where the server does not say. */
export interface Version {
  etag: string | null;
  modified: string | null;
}

export interface Download {
  version: Version;
  chunks: AsyncIterable<Uint8Array>;
}

/** Attempts without a new byte after which a download is given up. */
const attempts = 3;

/** Milliseconds without a byte after which a line counts as broken. */
const silence = 60_000;

/**
 * Begins a download; undefined when the page is still of the version `known`. When the line breaks, it goes on from there,
 * or, where the server cannot, begins anew and skips what has arrived.
 * Throws ClozeError `io`, at once when the server refuses, after three attempts in vain when it fails.
 */
export async function download(url: string, known?: undefined): Promise<Download>;
export async function download(url: string, known: Version | undefined): Promise<Download | undefined>;
export async function download(url: string, known?: Version): Promise<Download | undefined> {
  const line = new Line(url);
  const first = await line.connect(known);
  if (first.status === 304) return undefined;
  return { version: versionOf(first), chunks: line.chunks(first) };
}

class Line {
  private readonly url: string;
  private received = 0;
  private failures = 0;
  private abort = new AbortController();
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(url: string) {
    this.url = url;
  }

  /** An answer that is sound: the page, the rest of it, or that it has not changed. */
  async connect(known?: Version, from?: Version): Promise<Response> {
    for (;;) {
      let problem: string;
      try {
        this.watch();
        const headers = this.headers(known, from);
        const response = await fetch(this.url, { signal: this.abort.signal, headers });
        if (known && response.status === 304) clearTimeout(this.timer);
        if (response.ok || (known && response.status === 304)) return response;
        await response.body?.cancel();
        problem = `the server answered ${response.status} ${response.statusText}`.trimEnd();
        if (response.status < 500 && response.status !== 429) throw this.failure(problem);
      } catch (error) {
        if (error instanceof ClozeError) throw error;
        problem = reason(error);
      }
      await this.pause(problem);
    }
  }

  async *chunks(first: Response): AsyncGenerator<Uint8Array> {
    const version = versionOf(first);
    let response = first;
    try {
      for (;;) {
        let skip = response.status === 206 ? 0 : this.received;
        const reader = response.body?.getReader();
        let problem: unknown;
        for (;;) {
          this.watch();
          const next = await reader?.read().catch((error: unknown) => {
            problem = error ?? 'the line broke';
            return undefined;
          });
          if (!next || next.done) break;
          const fresh = next.value.subarray(Math.min(skip, next.value.length));
          skip -= next.value.length - fresh.length;
          if (fresh.length === 0) continue;
          this.received += fresh.length;
          this.failures = 0;
          yield fresh;
        }
        if (problem === undefined) return;
        await this.pause(reason(problem));
        response = await this.connect(undefined, version);
        const now = versionOf(response);
        if (now.etag !== version.etag || now.modified !== version.modified) {
          throw this.failure('it changed while it was read');
        }
      }
    } finally {
      clearTimeout(this.timer);
      this.abort.abort();
    }
  }

  private headers(known?: Version, from?: Version): Record<string, string> {
    const headers: Record<string, string> = {};
    if (known?.etag) headers['If-None-Match'] = known.etag;
    else if (known?.modified) headers['If-Modified-Since'] = known.modified;
    if (from && this.received > 0) {
      headers.Range = `bytes=${this.received}-`;
      const unchanged = from.etag?.startsWith('W/') ? from.modified : (from.etag ?? from.modified);
      if (unchanged) headers['If-Range'] = unchanged;
    }
    return headers;
  }

  private watch(): void {
    clearTimeout(this.timer);
    if (this.abort.signal.aborted) this.abort = new AbortController();
    const { abort } = this;
    this.timer = setTimeout(() => abort.abort(new Error(`nothing came for ${silence / 1000} s`)), silence);
  }

  private async pause(problem: string): Promise<void> {
    clearTimeout(this.timer);
    if (++this.failures === attempts) throw this.failure(problem, ` after ${attempts} attempts`);
    await new Promise((resolve) => setTimeout(resolve, 250 * 4 ** (this.failures - 1)));
  }

  private failure(problem: string, tried = ''): ClozeError {
    clearTimeout(this.timer);
    const arrived = this.received > 0 ? `; ${this.received} bytes had arrived` : '';
    return new ClozeError(
      'io',
      `${this.url} cannot be downloaded${tried}: ${problem}${arrived}`,
      'Check the address and the network, or download it and give the file.',
    );
  }
}

function versionOf({ headers }: Response): Version {
  return { etag: headers.get('etag'), modified: headers.get('last-modified') };
}

function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  return cause instanceof Error ? cause.message : error.message.split('\n')[0];
}
