/** A text of the reader's own: pasted, fetched, or files chosen or dropped, such as those of a data set in Hugging Face's form. */
import { signal } from '@preact/signals';
import { formatBytes } from '../../src/gpu/pool.ts';
import type { TextSource } from '../protocol.ts';

export const texts = signal<TextSource[]>([]);
const over = signal(false);

export function OwnText() {
  const bytes = texts.value.reduce((sum, { file }) => sum + (file?.size ?? 0), 0);
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: dropping is a shortcut for the button inside.
    <div
      class={`drop ${over.value ? 'over' : ''}`}
      onDragOver={(event) => {
        event.preventDefault();
        over.value = true;
      }}
      onDragLeave={() => {
        over.value = false;
      }}
      onDrop={(event) => {
        event.preventDefault();
        over.value = false;
        choose(event.dataTransfer?.files);
      }}
    >
      <label>
        Paste a text, or drop files here
        <textarea
          rows={5}
          placeholder="Several thousand words at least; a blank line ends a paragraph."
          onInput={({ currentTarget: { value } }) => {
            texts.value = value.trim() === '' ? [] : [{ name: 'pasted text', file: new Blob([value]) }];
          }}
        />
      </label>
      <label class="button">
        Choose files
        <input
          type="file"
          class="unseen"
          multiple
          accept=".txt,.text,.md,.jsonl,.ndjson,.parquet,.gz,text/*"
          onChange={({ currentTarget }) => choose(currentTarget.files)}
        />
      </label>
      <label class="button">
        Choose a folder
        <input
          type="file"
          class="unseen"
          ref={(input) => input?.setAttribute('webkitdirectory', '')}
          onChange={({ currentTarget }) => choose(currentTarget.files)}
        />
      </label>
      <label>
        Or an address
        <input
          type="url"
          placeholder="https://example.org/text.txt"
          onInput={({ currentTarget: { value } }) => {
            texts.value = /^https?:\/\//i.test(value) ? [{ name: value, file: null }] : [];
          }}
        />
      </label>
      {texts.value.length > 0 && (
        <p class="hint">
          {texts.value.map(({ name }) => name).join(', ')}
          {bytes > 0 && `: ${formatBytes(bytes)}`}
        </p>
      )}
    </div>
  );
}

/** What holds text, of the files in a folder: a data set has a description and images beside it. */
const textFile = /\.(txt|text|md|jsonl|ndjson|parquet)(\.gz)?$/i;
const description = /^(readme|license)\b/i;

function choose(files: FileList | null | undefined): void {
  const all = [...(files ?? [])];
  const folder = all.some(({ webkitRelativePath }) => webkitRelativePath);
  const fit = folder ? all.filter(({ name }) => textFile.test(name) && !description.test(name)) : all;
  if (fit.length > 0) texts.value = fit.map((file) => ({ name: file.name, file }));
}
