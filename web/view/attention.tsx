/** Where each head of each layer looks: a small map for each, and the chosen one in full. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Look } from '../protocol.ts';
import { look } from '../state.ts';

export function Attention() {
  const [place, choose] = useState({ layer: 0, head: 0 });
  const seen = look.value;
  if (!seen || seen.attention.length === 0) return null;
  const layer = Math.min(place.layer, seen.layers - 1);
  const head = Math.min(place.head, seen.heads - 1);
  return (
    <section class="attention card" aria-labelledby="attention-title">
      <div class="title">
        <h2 id="attention-title">Where it looks</h2>
        <span class="hint">Each row is a token, and shows which tokens it takes its meaning from</span>
      </div>
      <div class="maps">
        <div class="heads">
          {Array.from({ length: seen.layers }, (_, l) => (
            <div key={`${l}`} class="layer">
              <span class="hint">layer {l + 1}</span>
              {Array.from({ length: seen.heads }, (_, h) => (
                <button
                  type="button"
                  key={`${h}`}
                  class="head"
                  aria-label={`Layer ${l + 1}, head ${h + 1}`}
                  aria-pressed={l === layer && h === head}
                  onClick={() => choose({ layer: l, head: h })}
                >
                  <HeadMap seen={seen} layer={l} head={h} />
                </button>
              ))}
            </div>
          ))}
        </div>
        <LargeMap seen={seen} layer={layer} head={head} />
      </div>
    </section>
  );
}

interface MapProps {
  seen: Look;
  layer: number;
  head: number;
}

const mapOf = ({ seen, layer, head }: MapProps): Float32Array => {
  const size = seen.tokens.length ** 2;
  const start = (layer * seen.heads + head) * size;
  return seen.attention.subarray(start, start + size);
};

/** A pixel for each pair of tokens; the style scales it. */
function HeadMap(props: MapProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const T = props.seen.tokens.length;
  useEffect(() => {
    const context = canvas.current!.getContext('2d')!;
    const image = context.createImageData(T, T);
    const [red, green, blue] = accent();
    mapOf(props).forEach((share, i) => {
      image.data.set([red, green, blue, 255 * Math.sqrt(share)], 4 * i);
    });
    context.putImageData(image, 0, 0);
  });
  return <canvas ref={canvas} width={T} height={T} />;
}

function accent(): number[] {
  const hex = getComputedStyle(document.documentElement).getPropertyValue('--accent').trim();
  return [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16));
}

function LargeMap(props: MapProps) {
  const [row, point] = useState<number | null>(null);
  const { tokens } = props.seen;
  const shares = mapOf(props);
  const T = tokens.length;
  const from = row !== null && row < T ? row : null;
  return (
    <div class="large">
      <div class="matrix">
        <ol aria-label="Tokens; choose one to see where it looks">
          {tokens.map((token, i) => (
            <li key={`${i}`}>
              <button
                type="button"
                class="quiet"
                aria-pressed={i === from}
                onMouseEnter={() => point(i)}
                onFocus={() => point(i)}
                onClick={() => point(i)}
              >
                {token}
              </button>
            </li>
          ))}
        </ol>
        <HeadMap {...props} />
      </div>
      <p class="reading" aria-live="polite">
        {tokens.map((token, i) => (
          <span
            key={`${i}`}
            class={i === from ? 'from' : ''}
            style={{ '--share': from === null ? 0 : Math.sqrt(shares[from * T + i]) }}
          >
            {token}{' '}
          </span>
        ))}
        {from === null && <span class="hint">Point at a token on the left to see where it looks.</span>}
      </p>
    </div>
  );
}
