/** What to do where there is no WebGPU. */
import { storyPrompts } from '../../src/mlm/data/stories.ts';

const browsers = [
  [
    'Chrome, Edge',
    'From version 113 on Windows, macOS and ChromeOS, 121 on Android. On Linux, open chrome://flags/#enable-unsafe-webgpu and #enable-vulkan, enable both and restart.',
  ],
  ['Safari', 'From version 26. In 18, enable it in Settings, Feature Flags, WebGPU.'],
  [
    'Firefox',
    'From version 141 on Windows and 145 on macOS with Apple silicon. Elsewhere: Firefox Nightly, with dom.webgpu.enabled set in about:config.',
  ],
  [
    'Any of them',
    'The page must come over https or from localhost, and hardware acceleration must be on. chrome://gpu and about:support tell why WebGPU is off.',
  ],
];

export function Missing({ reason }: { reason: string }) {
  const [{ text }] = storyPrompts();
  return (
    <section class="missing card">
      <h2>This browser lends the page no GPU</h2>
      <p>
        Cloze trains a language model here, in the page, and computes with WebGPU. <em>{reason}</em>
      </p>
      <dl>
        {browsers.map(([name, advice]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{advice}</dd>
          </div>
        ))}
      </dl>
      <p>Or train from a terminal, where no GPU is needed:</p>
      <pre>
        <code>{`npm ci && npm start\nnpx cloze fill-mask --model runs/demo "${text.split('. ')[0]}. …"`}</code>
      </pre>
    </section>
  );
}
