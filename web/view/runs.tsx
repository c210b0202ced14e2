/** The runs that this browser keeps. */
import { count, nats } from '../../src/cli/format.ts';
import {
  act,
  active,
  call,
  compared,
  compareRun,
  download,
  removeRun,
  resumeRun,
  run,
  runs,
} from '../state.ts';
import { runColours } from './charts.tsx';

export function Runs() {
  const others = runs.value.filter(({ id }) => id !== run.value?.id || !active.value);
  if (others.length === 0) return null;
  const colours = new Map([...compared.value.keys()].map((id, i) => [id, runColours[i % runColours.length]]));
  return (
    <section class="runs card" aria-labelledby="runs-title">
      <div class="title">
        <h2 id="runs-title">Earlier runs</h2>
        <span class="hint">
          Kept in this browser; tick one to draw its validation loss beside the present run
        </span>
      </div>
      <ul>
        {others.map(({ id, name, began, options, state, start }) => (
          <li key={id}>
            <label style={{ '--run': `var(${colours.get(id) ?? '--line'})` }}>
              <input
                type="checkbox"
                checked={compared.value.has(id)}
                onChange={(event) => act(() => compareRun(id, event.currentTarget.checked))}
              />
              <span>
                <b>{name}</b>
                <small>
                  {options.preset}, {start ? `${count(start.parameters)} parameters` : options.objective},{' '}
                  {state} · {new Date(began).toLocaleString()}
                  {start &&
                    ` · to beat ${nats((start.baselines.neighbours ?? start.baselines.unigram).loss)}`}
                </small>
              </span>
            </label>
            <span class="buttons">
              <button type="button" class="quiet" disabled={active.value} onClick={() => resumeRun(id)}>
                {state === 'finished' ? 'Open' : 'Go on'}
              </button>
              <button
                type="button"
                class="quiet"
                onClick={() =>
                  act(async () => download(`${id}.zip`, await call('save', id), 'application/zip'))
                }
              >
                Save
              </button>
              <button
                type="button"
                class="quiet"
                aria-label={`Remove ${name}`}
                onClick={() => act(() => removeRun(id))}
              >
                Remove
              </button>
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}
