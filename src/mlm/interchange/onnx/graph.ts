/** A graph of ONNX operators that grows node by node. */
import { ClozeError } from '../../../gpu/errors.ts';
import type { Attribute, Initializer, Node, Port } from './proto.ts';

/** The name of what a node or an input gives. */
export type Value = string;

/** The version of ONNX's operators that files ask for: the first that has Gelu; LayerNormalization is older. */
export const opset = 20;

/** Bytes that a file of Protocol Buffers may have at most. */
const largest = 2 ** 31 - 1;

export class Graph {
  readonly nodes: Node[] = [];
  readonly initializers: Initializer[] = [];
  readonly inputs: Port[] = [];
  readonly outputs: Port[] = [];
  private readonly names = new Set<string>();
  private size = 0;

  input(name: string, type: Port['type'], shape: Port['shape']): Value {
    this.inputs.push({ name, type, shape });
    return name;
  }

  /** Hands `value` out under a name. */
  output(name: string, value: Value, shape: Port['shape']): void {
    this.nodes.push({ type: 'Identity', inputs: [value], outputs: [name], attributes: {} });
    this.outputs.push({ name, type: 'float', shape });
  }

  op(type: string, inputs: readonly Value[], attributes: Readonly<Record<string, Attribute>> = {}): Value {
    return this.ops(type, inputs, 1, attributes)[0];
  }

  /** A node with several outputs. */
  ops(
    type: string,
    inputs: readonly Value[],
    count: number,
    attributes: Readonly<Record<string, Attribute>> = {},
  ): Value[] {
    const outputs = Array.from(
      { length: count },
      (_, i) => `${type}_${this.nodes.length}${count > 1 ? `_${i}` : ''}`,
    );
    this.nodes.push({ type, inputs, outputs, attributes });
    return outputs;
  }

  /** A constant under its own name, once however often it is asked for. Throws ClozeError `input` when the file would be too large. */
  weight(name: string, values: Float32Array, shape: readonly number[]): Value {
    return this.constant({ name, type: 'float', shape, bytes: bytesOf(values) });
  }

  /** A list of integers. */
  integers(...values: number[]): Value {
    const bytes = bytesOf(BigInt64Array.from(values, BigInt));
    return this.constant({ name: `[${values}]`, type: 'int64', shape: [values.length], bytes });
  }

  integer(value: number): Value {
    return this.constant({
      name: `${value}`,
      type: 'int64',
      shape: [],
      bytes: bytesOf(BigInt64Array.of(BigInt(value))),
    });
  }

  number(value: number): Value {
    return this.weight(`float ${value}`, Float32Array.of(value), []);
  }

  private constant(initializer: Initializer): Value {
    const { name, bytes } = initializer;
    if (this.names.has(name)) return name;
    this.size += bytes.byteLength;
    if (this.size > largest) {
      throw new ClozeError(
        'input',
        `the weights take more than ${largest} bytes, the most that an ONNX file may hold`,
        'Export a smaller model',
      );
    }
    this.names.add(name);
    this.initializers.push(initializer);
    return name;
  }
}

function bytesOf({ buffer, byteOffset, byteLength }: Float32Array | BigInt64Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
