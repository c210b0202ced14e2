/** All options of a run as a form, made from the schema that the command line is made from. */
import { computed, signal } from '@preact/signals';
import { useEffect, useState } from 'preact/hooks';
import type { OptionField } from '../../src/mlm/training/optionFields.ts';
import type { TrainOptionsInput } from '../../src/mlm/training/options.ts';
import type { OptionForm, RunRequest } from '../protocol.ts';
import { call } from '../state.ts';

/** What was filled in, as it was typed: half a number is no number yet. */
const typed = signal<Record<string, { kind: OptionField['kind']; value: string | boolean }>>({});

/** What was filled in, as options. */
export const given = computed(
  (): TrainOptionsInput =>
    Object.fromEntries(
      Object.entries(typed.value).map(([name, { kind, value }]) => [name, parsed(kind, value)]),
    ),
);

/** Chosen above the form, or by the page itself. */
const elsewhere = new Set(['preset', 'steps']);

export function Options({ request }: { request: RunRequest }) {
  const [form, show] = useState<OptionForm | null>(null);
  const [opened, open] = useState(false);
  useEffect(() => {
    if (!opened) return;
    let current = true;
    void call('form', request.options).then((form) => current && show(form));
    return () => {
      current = false;
    };
  }, [request, opened]);
  return (
    <details class="options" onToggle={({ currentTarget }) => open(currentTarget.open)}>
      <summary>All options</summary>
      {form?.problem && <p class="problem">{form.problem}</p>}
      {form?.groups.map(({ title, fields }) => (
        <fieldset key={title}>
          <legend>{title}</legend>
          {fields
            .filter(({ name }) => !elsewhere.has(name))
            .map((field) => (
              // biome-ignore lint/a11y/noLabelWithoutControl: Input is one.
              <label key={field.name}>
                <span>{wordsOf(field.name)}</span>
                <Input field={field} value={form.values[field.name] ?? field.default} />
                <small>{field.help}</small>
              </label>
            ))}
        </fieldset>
      ))}
      {Object.keys(given.value).length > 0 && (
        <button
          type="button"
          class="quiet"
          onClick={() => {
            typed.value = {};
          }}
        >
          Forget what was filled in
        </button>
      )}
    </details>
  );
}

const wordsOf = (name: string) => name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);

function Input({ field, value }: { field: OptionField; value: unknown }) {
  const { name, kind, choices, least, most } = field;
  const own = typed.value[name]?.value;
  if (kind === 'choice') {
    return (
      <select
        value={String(own ?? value ?? '')}
        onChange={({ currentTarget }) => set(field, currentTarget.value)}
      >
        {value === undefined && <option value="">by itself</option>}
        {choices?.map((choice) => (
          <option key={choice}>{choice}</option>
        ))}
      </select>
    );
  }
  if (kind === 'flag') {
    return (
      <input
        type="checkbox"
        checked={Boolean(own ?? value)}
        onChange={({ currentTarget }) => set(field, currentTarget.checked)}
      />
    );
  }
  const common = {
    placeholder: value === undefined ? 'by itself' : String(value),
    value: String(own ?? ''),
    onInput: ({ currentTarget }: { currentTarget: HTMLInputElement }) => set(field, currentTarget.value),
  };
  if (kind !== 'whole' && kind !== 'number') return <input type="text" {...common} />;
  return <input type="number" step={kind === 'whole' ? 1 : 'any'} min={least} max={most} {...common} />;
}

function set({ name, kind }: OptionField, value: string | boolean): void {
  const { [name]: _, ...others } = typed.value;
  typed.value = value === '' ? others : { ...others, [name]: { kind, value } };
}

function parsed(kind: OptionField['kind'], value: string | boolean): unknown {
  if (typeof value === 'boolean') return value;
  if (kind === 'whole' || kind === 'number') return Number(value);
  if (kind === 'numbers') return value.split(',').map(Number);
  return kind === 'texts' ? value.split(',').map((text) => text.trim()) : value;
}
