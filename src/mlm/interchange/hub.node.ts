/**
 * Models by name from the Hugging Face hub, through its own client. What is fetched lies in the cache that Python's `huggingface_hub` uses
 * as well, by repository and commit (`models--owner--name/snapshots/COMMIT/FILE`), so that neither fetches what the other has.
 *
 * The environment says what it says there: HF_TOKEN, HF_ENDPOINT, HF_HUB_CACHE, HF_HOME, HF_HUB_OFFLINE.
 */
import { createHash } from 'node:crypto';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { downloadFile, fileDownloadInfo, HubApiError, modelInfo } from '@huggingface/hub';
import { ClozeError } from '../../gpu/errors.ts';
import {
  ioError,
  readFileBytes,
  readFileText,
  unlessMissing,
  writeFileAtomically,
} from '../data/files.node.ts';
import { plainName } from '../storage/storage.ts';
import type { FileReader } from './files.ts';

/** What names a model of the hub: `hf://owner/name`, or with a branch, tag or commit `hf://owner/name@revision`. */
const address = /^hf:\/\/([\w.-]+(?:\/[\w.-]+)?)(?:@([\w./-]+))?$/;

export interface HubOptions {
  environment?: Readonly<Record<string, string | undefined>>;
  /** Told the share that has arrived of a file, and its name. */
  progress?: (share: number, what: string) => void;
  /** Told what the user should know. */
  tell?: (line: string) => void;
}

/**
 * Reads the files of a model of the hub. The revision is looked up now, each file is fetched when it is first read. Without a line,
 * or with HF_HUB_OFFLINE=1, what was fetched before is read. Throws ClozeError `option` for a name that is none, `io` when the hub
 * cannot be reached after three attempts, or has no such model for this user.
 */
export async function openHubModel(model: string, options: HubOptions = {}): Promise<FileReader> {
  const [, name, revision = 'main'] = address.exec(model) ?? [];
  if (!name || revision.split('/').includes('..')) {
    throw new ClozeError(
      'option',
      `${model} names no model of the hub`,
      'Write hf://owner/name or hf://owner/name@revision',
    );
  }
  const hub = new Hub(name, revision, options);
  const { commit, files } = await hub.resolve();
  return async (file) => {
    const path = join(hub.folder, 'snapshots', commit, plainName(file));
    const cached = await unlessMissing(readFileBytes(path));
    if (cached || hub.offline || (files && !files.has(file))) return cached;
    return (await hub.fetch(file, commit, path)) ? readFileBytes(path) : undefined;
  };
}

/** Attempts without a new byte after which the hub is given up. */
const attempts = 3;

class Hub {
  /** Where the cache keeps this model. */
  readonly folder: string;
  offline: boolean;
  private readonly name: string;
  private readonly revision: string;
  private readonly options: HubOptions;
  /** What every call of the client takes. */
  private readonly access: { hubUrl: string; accessToken?: string; fetch: typeof fetch };

  constructor(name: string, revision: string, options: HubOptions) {
    const { environment = process.env } = options;
    this.name = name;
    this.revision = revision;
    this.options = options;
    this.folder = join(cacheFolder(environment), ['models', ...name.split('/')].join('--'));
    this.offline = /^(1|true|on|yes)$/i.test(environment.HF_HUB_OFFLINE ?? '');
    const { HF_TOKEN: accessToken, HF_ENDPOINT: endpoint } = environment;
    if (accessToken && !accessToken.startsWith('hf_')) {
      throw new ClozeError(
        'option',
        'HF_TOKEN is no token of the hub: it should begin with hf_',
        'Correct or unset it',
      );
    }
    this.access = {
      hubUrl: (endpoint || 'https://huggingface.co').replace(/\/+$/, ''),
      ...(accessToken && { accessToken }),
      fetch: patientFetch,
    };
  }

  /** The commit that the revision stands for, and the names of its files, where the hub could be asked. */
  async resolve(): Promise<{ commit: string; files?: ReadonlySet<string> }> {
    const ref = join(this.folder, 'refs', this.revision);
    const before = /^[0-9a-f]{40}$/.test(this.revision)
      ? this.revision
      : (await unlessMissing(readFileText(ref)))?.trim();
    if (this.offline) {
      if (before) return { commit: before };
      const what = `${this.name} is not in the cache, ${this.folder}, and HF_HUB_OFFLINE forbids fetching it`;
      throw new ClozeError('io', what, 'Unset HF_HUB_OFFLINE, or fetch it elsewhere');
    }
    try {
      const { name, revision, access } = this;
      const fields = ['sha', 'filePaths'] as const;
      const { sha, filePaths } = await modelInfo({
        name,
        revision,
        additionalFields: [...fields],
        ...access,
      });
      if (sha !== revision) await writeFileAtomically(ref, sha);
      return { commit: sha, files: new Set(filePaths) };
    } catch (error) {
      const refused = error instanceof HubApiError && error.statusCode < 500;
      if (!before || refused || error instanceof ClozeError) throw this.failure(error);
      this.offline = true;
      this.options.tell?.(`${this.failure(error).message.split('. ')[0]}; reading what was fetched before`);
      return { commit: before };
    }
  }

  /** Fetches a file of a commit into its place; false when there is none. */
  async fetch(file: string, commit: string, path: string): Promise<boolean> {
    try {
      const place = {
        repo: { type: 'model', name: this.name } as const,
        path: file,
        revision: commit,
        ...this.access,
      };
      const downloadInfo = await fileDownloadInfo(place);
      if (!downloadInfo) return false;
      const blob = await downloadFile({ ...place, downloadInfo });
      // The tag of a large file is its hash, that of a small one is git's.
      const hash = /^(?:W\/)?"?([0-9a-f]{64})"?$/.exec(downloadInfo.etag)?.[1];
      if (blob) await this.save(blob, file, path, hash);
      return blob !== null;
    } catch (error) {
      throw this.failure(error, file);
    }
  }

  /** Writes what arrives under a temporary name; where the line breaks, it goes on from there. */
  private async save(blob: Blob, file: string, path: string, hash: string | undefined): Promise<void> {
    const temporary = `${path}.cloze-tmp-${process.pid}`;
    try {
      await mkdir(dirname(path), { recursive: true });
      const out = await open(temporary, 'w');
      const digest = createHash('sha256');
      try {
        let received = 0;
        for (let failures = 0; received < blob.size; ) {
          try {
            for await (const chunk of blob.slice(received).stream()) {
              await out.writeFile(chunk);
              digest.update(chunk);
              received += chunk.length;
              failures = 0;
              this.options.progress?.(received / blob.size, `${this.name}/${file}`);
            }
            if (received < blob.size)
              throw new Error(`the line broke after ${received} of ${blob.size} bytes`);
          } catch (error) {
            if (++failures === attempts || error instanceof HubApiError) throw error;
            await pause(failures);
          }
        }
        await out.sync();
      } finally {
        await out.close();
      }
      if (hash && digest.digest('hex') !== hash)
        throw new Error('what arrived is not what the hub has, by its hash');
      await rename(temporary, path);
    } catch (error) {
      await rm(temporary, { force: true });
      throw error instanceof Error && 'code' in error ? ioError('write', path, error, blob.size) : error;
    }
  }

  private failure(error: unknown, file?: string): ClozeError {
    if (error instanceof ClozeError) return error;
    const { name, revision } = this;
    const { hubUrl, accessToken } = this.access;
    const cause = { cause: error };
    const status = error instanceof HubApiError ? error.statusCode : undefined;
    if (status === 401 || status === 403) {
      const what = `${name} is private or gated, or does not exist at ${hubUrl}`;
      const remedy = accessToken
        ? 'Check the name, and that HF_TOKEN may read it'
        : 'Check the name, or set HF_TOKEN to a token that may read it';
      return new ClozeError('io', what, remedy, cause);
    }
    if (status === 404) {
      const what = `there is no ${file ?? 'model'} ${file ? `in ${name}` : name} at ${hubUrl}, revision ${revision}`;
      return new ClozeError('io', what, 'Check the name and the revision', cause);
    }
    return new ClozeError(
      'io',
      `${name}${file ? `/${file}` : ''} cannot be fetched from ${hubUrl}: ${reason(error)}`,
      'Check the network and HF_ENDPOINT, or fetch the folder by other means and name that',
      cause,
    );
  }
}

function cacheFolder(environment: Readonly<Record<string, string | undefined>>): string {
  const { HF_HUB_CACHE, HF_HOME, XDG_CACHE_HOME } = environment;
  if (HF_HUB_CACHE) return HF_HUB_CACHE;
  return join(HF_HOME ?? join(XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'huggingface'), 'hub');
}

/** `fetch` that asks again where the line or the server fails, up to three times in all. */
const patientFetch: typeof fetch = async (input, init) => {
  for (let failures = 0; ; ) {
    try {
      const response = await fetch(input, init);
      const failed = response.status >= 500 || response.status === 429;
      if (!failed || ++failures === attempts) return response;
      await response.body?.cancel();
    } catch (error) {
      if (++failures === attempts) throw error;
    }
    await pause(failures);
  }
};

function pause(failures: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 250 * 4 ** (failures - 1)));
}

function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  return (cause instanceof Error && cause.message) || error.message.split('\n')[0];
}
