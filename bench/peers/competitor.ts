/** What a library must offer to be measured: ours and the peers are asked alike. */
import type { Operands, OperationName } from './operations.ts';

/** An operation whose operands are on the GPU. */
export interface Prepared {
  /** Calls it once and reads the results. Asked once, before the first `call`. */
  results(): Promise<ArrayLike<number>[]>;
  /** Calls it once, hands the work to the GPU, and lets go of the results. Does not wait. */
  call(): void;
  dispose(): void;
}

export interface Competitor {
  readonly name: string;
  /** Throws, in words, when the library lacks the operation. */
  prepare(operation: OperationName, operands: Operands): Promise<Prepared>;
  /** Resolves when all that was called has been done. */
  finish(): Promise<void>;
  close(): void;
}

/** For a library: from operands on the GPU, a function that calls the operation once. */
export type OperationTable<Tensor, Result> = Partial<
  Record<OperationName, (operands: Record<string, Tensor>) => () => Result>
>;

/** The entry of a table. Throws when there is none. */
export function entryOf<Tensor, Result>(
  table: OperationTable<Tensor, Result>,
  operation: OperationName,
): (operands: Record<string, Tensor>) => () => Result {
  const entry = table[operation];
  if (!entry) throw new Error(`has no ${operation}`);
  return entry;
}

/** The operands, each turned into a tensor of the library. */
export function upload<Tensor>(
  operands: Operands,
  make: (operand: Operands[string]) => Tensor,
): Record<string, Tensor> {
  return Object.fromEntries(Object.entries(operands).map(([name, operand]) => [name, make(operand)]));
}

/**
 * Watches the device of a library that does not: what is wrong on the GPU leaves no exception behind, and a result
 * that was never computed. Returns a function that throws the first fault since it was last called.
 */
export function watchFaults(device: GPUDevice): () => void {
  let fault: string | undefined;
  device.addEventListener('uncapturederror', (event) => {
    event.preventDefault();
    fault ??= event.error.message;
  });
  return () => {
    const message = fault;
    fault = undefined;
    if (message) throw new Error(message);
  };
}
