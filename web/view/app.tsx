/** The page as a whole. */
import { device, missing, problem, view } from '../state.ts';
import { Attention } from './attention.tsx';
import { Charts } from './charts.tsx';
import { Kernels } from './kernels.tsx';
import { Missing } from './missing.tsx';
import { Runs } from './runs.tsx';
import { Sentence } from './sentence.tsx';
import { Setup } from './setup.tsx';
import { Status } from './status.tsx';

export function App() {
  return (
    <>
      <a class="skip" href="#content">
        Skip to the content
      </a>
      <Header />
      <main id="content">{device.value === 'missing' ? <Missing reason={missing.value} /> : <Views />}</main>
      <footer>Everything runs in this page, on this machine: no text and no model leaves it.</footer>
    </>
  );
}

function Views() {
  return (
    <>
      <p class="problem" role="alert" hidden={!problem.value}>
        {problem.value}
      </p>
      {view.value === 'kernels' ? (
        <Kernels />
      ) : (
        <div class="workbench">
          <Setup />
          <div class="stage">
            <Sentence />
            <Status />
            <Charts />
            <Attention />
            <Runs />
          </div>
        </div>
      )}
    </>
  );
}

function Header() {
  const facts = device.value;
  const tabs = { train: 'Train', kernels: 'Kernels' } as const;
  return (
    <header>
      <h1>
        cl<span class="gap">o</span>ze
      </h1>
      {facts !== 'missing' && (
        <nav aria-label="Views">
          {(['train', 'kernels'] as const).map((name) => (
            <button
              type="button"
              key={name}
              aria-current={view.value === name ? 'page' : undefined}
              onClick={() => {
                view.value = name;
              }}
            >
              {tabs[name]}
            </button>
          ))}
        </nav>
      )}
      <p class="adapter" aria-live="polite">
        {facts === 'opening' && 'Looking for a GPU …'}
        {typeof facts === 'object' && (
          <>
            <span class={facts.software ? 'dot software' : 'dot'} aria-hidden="true" />
            {facts.adapter}
            {facts.software && ' (computes on the processor: slow)'}
          </>
        )}
      </p>
    </header>
  );
}
