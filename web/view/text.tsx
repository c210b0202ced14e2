/** A text of the reader's own: pasted, chosen or dropped. */
import { signal } from '@preact/signals';
import { count } from '../../src/cli/format.ts';
import type { TextSource } from '../protocol.ts';

export const texts = signal<TextSource[]>([]);
const over = signal(false);

export function OwnText() {
  const letters = texts.value.reduce((sum, { text }) => sum + text.length, 0);
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
        void read(event.dataTransfer?.files);
      }}
    >
      <label>
        Paste a text, or drop files here
        <textarea
          rows={5}
          placeholder="Several thousand words at least; a blank line ends a paragraph."
          onInput={({ currentTarget: { value } }) => {
            texts.value = value.trim() === '' ? [] : [{ name: 'pasted text', text: value }];
          }}
        />
      </label>
      <label class="button">
        Choose files
        <input
          type="file"
          class="unseen"
          multiple
          accept=".txt,.text,.md,text/*"
          onChange={({ currentTarget }) => read(currentTarget.files)}
        />
      </label>
      {letters > 0 && (
        <p class="hint">
          {texts.value.map(({ name }) => name).join(', ')}: {count(letters)} characters
        </p>
      )}
    </div>
  );
}

async function read(files: FileList | null | undefined): Promise<void> {
  const read = [...(files ?? [])].map(async (file) => ({ name: file.name, text: await file.text() }));
  if (read.length > 0) texts.value = await Promise.all(read);
}
