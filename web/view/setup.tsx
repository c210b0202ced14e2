/** What to learn from, what learns, and the buttons of a run. */
import { computed, signal } from '@preact/signals';
import type { TrainOptionsInput } from '../../src/mlm/training/options.ts';
import type { RunRequest } from '../protocol.ts';
import {
  act,
  active,
  call,
  device,
  download,
  loaded,
  look,
  resumeRun,
  run,
  startRun,
  trainHidden,
  words,
} from '../state.ts';
import { given, Options } from './options.tsx';
import { OwnText, texts } from './text.tsx';

const corpora = {
  'stories:short': [
    'Short stories',
    'Little scenes with right answers. A small model learns them in minutes.',
  ],
  stories: ['All stories', 'Twenty kinds of scenes: more words, more to learn.'],
  'synthetic:clock': ['A clock', 'A made-up language whose best possible loss is known exactly.'],
  own: ['My own text', 'Paste it, or drop files. It stays in this browser.'],
} as const;

const models = {
  nano: 'seconds to minutes',
  tiny: 'minutes',
  mini: 'wants a real GPU',
  small: 'wants a good GPU',
} as const;

const corpus = signal<keyof typeof corpora>('stories:short');
const model = signal<keyof typeof models>('nano');
/** What was asked for; by default what suits the device. */
const wantedSteps = signal<number | null>(null);
const steps = computed(() => wantedSteps.value ?? (isSoftware() ? 500 : 1200));

/** A device on which a minute has to suffice for much less. */
function isSoftware(): boolean {
  return typeof device.value === 'object' && device.value.software;
}

/** What suits a text that nobody knows yet. */
const ownText: TrainOptionsInput = {
  tokenizer: 'wordpiece',
  vocabSize: 1024,
  maskRate: 0.3,
  maskReplace: [1, 0, 0],
  lr: 5e-3,
};

/** Of every run in a page: it may be left at any time. */
const everywhere: TrainOptionsInput = { evalEvery: 100, checkpointEvery: 50, evalSequences: 128 };

export const request = computed((): RunRequest => {
  const own = corpus.value === 'own';
  const isDefault = corpus.value === 'stories:short' && model.value === 'nano';
  const options: TrainOptionsInput = {
    ...everywhere,
    ...(own ? ownText : { data: [corpus.value] }),
    ...(!isDefault && { preset: model.value }),
    steps: steps.value,
    ...given.value,
  };
  return own ? { options, texts: texts.value } : { options };
});

export function Setup() {
  return (
    <aside class="setup" aria-label="A new run">
      <fieldset class="card" disabled={active.value}>
        <legend>Learn from</legend>
        {(Object.keys(corpora) as (keyof typeof corpora)[]).map((name) => (
          <label key={name} class="choice">
            <input type="radio" name="corpus" checked={corpus.value === name} onChange={() => choose(name)} />
            <span>
              <b>{corpora[name][0]}</b>
              <small>{corpora[name][1]}</small>
            </span>
          </label>
        ))}
        {corpus.value === 'own' && <OwnText />}
      </fieldset>
      <fieldset class="card" disabled={active.value}>
        <legend>Model</legend>
        <div class="sizes">
          {(Object.keys(models) as (keyof typeof models)[]).map((name) => (
            <label key={name} class="size">
              <input
                type="radio"
                name="model"
                checked={model.value === name}
                onChange={() => {
                  model.value = name;
                }}
              />
              <span>
                <b>{name}</b>
                <small>{models[name]}</small>
              </span>
            </label>
          ))}
        </div>
        <label class="row">
          Steps
          <input
            type="number"
            min={1}
            value={steps.value}
            onChange={({ currentTarget }) => {
              wantedSteps.value = Math.round(Number(currentTarget.value)) || null;
            }}
          />
        </label>
        <Options request={request.value} />
      </fieldset>
      <Buttons />
    </aside>
  );
}

function choose(name: keyof typeof corpora): void {
  corpus.value = name;
}

function Buttons() {
  const state = run.value?.state;
  const ready = typeof device.value === 'object' && (corpus.value !== 'own' || texts.value.length > 0);
  const unfinished = run.value && !active.value && state !== 'finished' && state !== 'failed';
  return (
    <div class="controls card">
      {active.value ? (
        <div class="buttons">
          {state === 'paused' ? (
            <button type="button" class="primary" onClick={() => act(() => call('go'))}>
              Resume
            </button>
          ) : (
            <button type="button" class="primary" onClick={() => act(() => call('pause'))}>
              Pause
            </button>
          )}
          <button type="button" onClick={() => act(() => call('stop'))}>
            Stop
          </button>
        </div>
      ) : (
        <div class="buttons">
          <button type="button" class="primary" disabled={!ready} onClick={() => startRun(request.value)}>
            {state ? 'Start a new run' : 'Start'}
          </button>
          {unfinished && (
            <button type="button" onClick={() => resumeRun(run.value!.id)}>
              Resume
            </button>
          )}
        </div>
      )}
      <div class="buttons">
        <button
          type="button"
          disabled={!look.value}
          onClick={() => act(save)}
          title="A zip that cloze fill-mask and Hugging Face read"
        >
          Save model
        </button>
        <label class={`button ${active.value ? 'disabled' : ''}`}>
          Load model
          <input
            type="file"
            class="unseen"
            multiple
            disabled={active.value}
            accept=".zip,.json,.safetensors,.txt"
            onChange={({ currentTarget }) => act(() => load(currentTarget))}
          />
        </label>
      </div>
      <label class="row">
        <input
          type="checkbox"
          checked={trainHidden.value}
          onChange={({ currentTarget }) => {
            trainHidden.value = currentTarget.checked;
          }}
        />
        Go on while this tab is in the background
      </label>
    </div>
  );
}

async function save(): Promise<void> {
  download(`cloze-${run.value?.id ?? 'model'}.zip`, await call('save'), 'application/zip');
}

/** A zip, or the files of a model folder. */
async function load(input: HTMLInputElement): Promise<void> {
  const files = await Promise.all(
    [...(input.files ?? [])].map(async (file) => ({
      name: file.name,
      bytes: new Uint8Array(await file.arrayBuffer()),
    })),
  );
  input.value = '';
  if (files.length === 0) return;
  const facts = await call('load', files);
  run.value = null;
  loaded.value = facts;
  look.value = await call('look', words.value);
}
