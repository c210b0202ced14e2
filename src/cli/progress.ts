/** How far a run is: a bar that redraws itself on a terminal, a line now and then elsewhere. */
import { say, type Terminal } from './terminal.ts';

export interface Progress {
  /** `share` of the run that is done, and what to say beside it. */
  update(share: number, text: string): void;
  /** Writes a line that stays. */
  say(line: string): void;
  /** Removes the bar; lines may still follow. */
  close(): void;
}

export async function openProgress(terminal: Terminal): Promise<Progress> {
  return terminal.stdout.isTTY ? openBar(terminal) : progressLines(terminal);
}

async function openBar(terminal: Terminal): Promise<Progress> {
  const { MultiBar, Presets } = await import('cli-progress');
  const bars = new MultiBar(
    {
      stream: terminal.stdout as NodeJS.WritableStream,
      format: ' {bar} {percentage} %  {text}',
      barsize: 20,
      hideCursor: true,
      clearOnComplete: true,
      gracefulExit: false,
    },
    Presets.shades_classic,
  );
  const bar = bars.create(1, 0, { text: '' });
  let open = true;
  return {
    update: (share, text) => bar.update(share, { text }),
    say(line) {
      if (!open) return say(terminal, line);
      bars.log(`${line}\n`);
      bars.update();
    },
    close() {
      if (open) bars.stop();
      open = false;
    },
  };
}

/** A line now and then. */
export function progressLines(terminal: Terminal, everySeconds = 10): Progress {
  let last = Number.NEGATIVE_INFINITY;
  return {
    update(_share, text) {
      const now = performance.now() / 1000;
      if (now - last < everySeconds) return;
      last = now;
      say(terminal, text);
    },
    say: (line) => say(terminal, line),
    close() {},
  };
}
