/** What the engine needs to know of the place it runs in. `#platform` resolves to the implementation for that place. */

export interface AdapterChoice {
  /**
   * Part of an adapter's name, in any case, or a kind: `gpu` (hardware), `software` (any that computes on the CPU),
   * `lavapipe`, `swiftshader`. Left out: the best there is, hardware first.
   */
  adapter?: string;
}

/** An adapter and its names. A `GPUAdapter` makes one device and no second, so every search returns a fresh one. */
export interface FoundAdapter {
  readonly adapter: GPUAdapter;
  readonly name: string;
  readonly driver: string;
  /** True if it computes on the CPU. */
  readonly software: boolean;
}

/** Small texts that outlive the process, by plain names. What cannot be read or written throws `io`. */
export interface TextCache {
  /** Where the text of that name is kept, for people. */
  place(name: string): string;
  /** Undefined when there is none. */
  read(name: string): Promise<string | undefined>;
  /** Writes or replaces a text, whole or not at all. */
  write(name: string, text: string): Promise<void>;
  remove(name: string): Promise<void>;
}

export interface Platform {
  readonly name: 'node' | 'browser' | 'deno';

  /** What measurements leave behind for later processes: losing it costs time and nothing else. */
  readonly cache: TextCache;

  /** Whether the user wants devices with no more than WebGPU guarantees, where a program does not say. */
  readonly guaranteedOnly: boolean;

  /** The best adapter that fits. Throws `no-adapter` with what was tried and how to get one. */
  requestAdapter(choice?: AdapterChoice): Promise<FoundAdapter>;

  /** All adapters that can be opened, best first. */
  listAdapters(): Promise<FoundAdapter[]>;

  /** Resolves after `ms` milliseconds; the processor is free meanwhile. */
  sleep(ms: number): Promise<void>;

  /** Awaits a promise of the GPU and leaves the processor to whoever computes, a software adapter above all. */
  patiently<T>(promise: Promise<T>): Promise<T>;
}

/** Whether an adapter of this name or description fits what was asked for. */
export function fits(choice: string | undefined, names: string, software: boolean): boolean {
  switch (choice?.toLowerCase()) {
    case undefined:
    case '':
      return true;
    case 'gpu':
      return !software;
    case 'software':
      return software;
    case 'lavapipe':
      return /lavapipe|llvmpipe/i.test(names);
    default:
      return names.toLowerCase().includes(choice!.toLowerCase());
  }
}

/** Whether this is the name or description of an adapter that computes on the CPU. */
export function isSoftware(names: string): boolean {
  return /llvmpipe|lavapipe|swiftshader|basic render|\bwarp\b/i.test(names);
}
