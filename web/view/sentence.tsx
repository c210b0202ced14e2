/** The sentence whose blanks the model fills while it learns: a word is hidden, or shown again, by a click. */
import { useState } from 'preact/hooks';
import { percent } from '../../src/cli/format.ts';
import type { Look, Word } from '../protocol.ts';
import { act, chosen, fillOneByOne, hiddenBefore, look, setWords, words } from '../state.ts';
import { joinWords, spaced, wordsOf } from '../words.ts';

export function Sentence() {
  const [editing, edit] = useState(false);
  const blanks = words.value.filter(({ hidden }) => hidden).length;
  return (
    <section class="sentence card" aria-labelledby="sentence-title">
      <div class="title">
        <h2 id="sentence-title">What goes into the blanks?</h2>
        <Play />
        <button type="button" class="quiet" onClick={() => edit(!editing)}>
          {editing ? 'Cancel' : 'Another sentence'}
        </button>
      </div>
      {editing ? <Editor done={() => edit(false)} /> : <Words />}
      {!editing && blanks === 0 && <p class="hint">Click a word to hide it.</p>}
      {!editing && blanks > 0 && <Alternatives />}
    </section>
  );
}

/** The whole sentence at once, or word by word. */
function Play() {
  const { value: sentence } = words;
  if (hiddenBefore.value) {
    return (
      <button type="button" class="quiet first" onClick={() => setWords(hiddenBefore.value!)}>
        Hide them again
      </button>
    );
  }
  return (
    <span class="first">
      {look.value && sentence.some(({ hidden }) => hidden) && (
        <button type="button" class="quiet" onClick={() => act(fillOneByOne)}>
          Fill one by one
        </button>
      )}
      <button
        type="button"
        class="quiet"
        onClick={() =>
          setWords(
            sentence.map((word) => ({ ...word, hidden: word.hidden || /^[\p{L}\p{N}]/u.test(word.text) })),
          )
        }
      >
        Hide all
      </button>
    </span>
  );
}

function Words() {
  const seen = look.value;
  return (
    <p class="words" data-text={seen?.text}>
      {words.value.map((word, i) => (
        <>
          {i > 0 && spaced(words.value[i - 1].text, word.text) ? ' ' : ''}
          {/^[\p{L}\p{N}]/u.test(word.text) || word.hidden ? (
            <WordButton key={`${i}`} word={word} index={i} seen={seen} />
          ) : (
            word.text
          )}
        </>
      ))}
    </p>
  );
}

function WordButton({ word, index, seen }: { word: Word; index: number; seen: Look | null }) {
  if (!word.hidden) {
    return (
      <button
        type="button"
        class={`word ${word.filled ? 'filled' : ''}`}
        aria-label={`Hide “${word.text}”`}
        onClick={() => toggle(index)}
      >
        {word.text}
      </button>
    );
  }
  const guess = seen?.guesses[index];
  const score = confidence(seen, index);
  const right = same(guess, word.text);
  const told = guess ? `The model says “${guess}”, ${percent(score)} sure` : 'No model yet';
  return (
    <button
      type="button"
      class={`word blank ${right ? 'right' : ''}`}
      style={{ '--sure': score }}
      aria-pressed={chosen.value === index}
      aria-label={`Blank${word.text ? ` for “${word.text}”` : ''}. ${told}`}
      title={`${told}. Click: alternatives. Double click: show the word.`}
      onClick={() => {
        chosen.value = index;
      }}
      onDblClick={() => toggle(index)}
    >
      {guess ? (
        guess
      ) : (
        <span class="mask">
          {word.text ? '\u2007'.repeat(Math.max(3, word.text.length)) : '\u2007\u2007\u2007\u2007'}
        </span>
      )}
    </button>
  );
}

/** The probability of the likeliest word: the product over its tokens. */
function confidence(seen: Look | null, index: number): number {
  return seen?.fills[index]?.reduce((product, [{ score }]) => product * score, 1) ?? 0;
}

const same = (guess: string | null | undefined, truth: string) =>
  guess?.toLowerCase() === truth.toLowerCase() && truth !== '';

function toggle(index: number): void {
  const word = words.value[index];
  if (word.hidden && word.text === '') return;
  setWords(words.value.map((other, i) => (i === index ? { ...other, hidden: !other.hidden } : other)));
  if (!word.hidden) chosen.value = index;
}

function Alternatives() {
  const word = words.value[chosen.value];
  const fill = look.value?.fills[chosen.value];
  if (!word?.hidden) return null;
  return (
    <div class="alternatives">
      <p class="hint">
        {fill
          ? `Likeliest for the ${ordinal(chosen.value)} blank`
          : 'Start a run, or load a model, and its guesses appear here'}
        {word.text && (
          <>
            {fill && '; '}
            {fill && (
              <>
                the text says <b>{word.text}</b>
              </>
            )}
          </>
        )}
        {word.text && (
          <button type="button" class="quiet" onClick={() => toggle(chosen.value)}>
            Show the word
          </button>
        )}
      </p>
      {fill?.map((predictions, piece) => (
        <ol class="bars" key={`${piece}`} aria-label={fill.length > 1 ? `Piece ${piece + 1}` : 'Guesses'}>
          {predictions.map(({ token_str, score }, rank) => (
            <li
              key={`${rank}`}
              class={same(token_str, word.text) ? 'right' : ''}
              data-token={token_str}
              data-score={score}
            >
              <span class="token">{token_str}</span>
              <span class="bar" aria-hidden="true">
                <i style={{ width: `${100 * score}%` }} />
              </span>
              <span class="score">{percent(score)}</span>
            </li>
          ))}
        </ol>
      ))}
    </div>
  );
}

function ordinal(index: number): string {
  const names = ['first', 'second', 'third', 'fourth', 'fifth', 'sixth'];
  const place = words.value.slice(0, index).filter(({ hidden }) => hidden).length;
  return names[place] ?? `${place + 1}th`;
}

function Editor({ done }: { done: () => void }) {
  const [text, write] = useState(() => joinWords(words.value, ({ text }) => text || '[MASK]'));
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        const next = wordsOf(text);
        if (next.length > 0) setWords(next);
        done();
      }}
    >
      <label>
        Your sentence; write [MASK] for a blank, or click words later
        <textarea rows={3} value={text} onInput={(event) => write(event.currentTarget.value)} />
      </label>
      <button type="submit">Use it</button>
    </form>
  );
}
