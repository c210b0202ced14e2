/**
 * The messages of an ONNX file, as far as they are used here: their fields by the numbers of `onnx.proto3` (onnx/onnx, IR version 9),
 * written with the wire format of Protocol Buffers.
 */
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';

/** Types of elements, `TensorProto.DataType`. */
export const elementTypes = { float: 1, int64: 7, bool: 9 } as const;

export type ElementType = keyof typeof elementTypes;

/** A constant of the graph; a scalar has no axes. */
export interface Initializer {
  name: string;
  type: 'float' | 'int64';
  shape: readonly number[];
  /** The elements, little-endian. */
  bytes: Uint8Array;
}

/** Numbers are integers; floats say so. */
export type Attribute = number | string | readonly number[] | { float: number };

export interface Node {
  type: string;
  inputs: readonly string[];
  outputs: readonly string[];
  attributes: Readonly<Record<string, Attribute>>;
}

/** An input or output; an axis is a size, or a name for what varies. */
export interface Port {
  name: string;
  type: ElementType;
  shape: readonly (number | string)[];
}

export interface ModelParts {
  opset: number;
  producer: { name: string; version: string };
  graph: {
    name: string;
    nodes: readonly Node[];
    initializers: readonly Initializer[];
    inputs: readonly Port[];
    outputs: readonly Port[];
  };
  /** Free text by key. */
  metadata: Readonly<Record<string, string>>;
}

const irVersion = 9;

/** The bytes of a file. */
export function modelProto({ opset, producer, graph, metadata }: ModelParts): Uint8Array {
  const model = new Message();
  model.integer(1, irVersion);
  model.text(2, producer.name);
  model.text(3, producer.version);
  model.message(7, (inner) => {
    for (const node of graph.nodes) inner.message(1, (field) => nodeProto(field, node));
    inner.text(2, graph.name);
    for (const one of graph.initializers) inner.message(5, (field) => tensorProto(field, one));
    for (const port of graph.inputs) inner.message(11, (field) => valueInfoProto(field, port));
    for (const port of graph.outputs) inner.message(12, (field) => valueInfoProto(field, port));
  });
  model.message(8, (set) => {
    set.text(1, '');
    set.integer(2, opset);
  });
  for (const [key, value] of Object.entries(metadata)) {
    model.message(14, (entry) => {
      entry.text(1, key);
      entry.text(2, value);
    });
  }
  return model.finish();
}

function nodeProto(message: Message, { type, inputs, outputs, attributes }: Node): void {
  for (const input of inputs) message.text(1, input);
  for (const output of outputs) message.text(2, output);
  message.text(3, outputs[0]);
  message.text(4, type);
  for (const [name, value] of Object.entries(attributes)) {
    message.message(5, (field) => attributeProto(field, name, value));
  }
}

/** `AttributeProto.AttributeType` stands in field 20. */
function attributeProto(message: Message, name: string, value: Attribute): void {
  message.text(1, name);
  if (typeof value === 'string') {
    message.text(4, value);
    message.integer(20, 3);
  } else if (typeof value === 'object' && 'float' in value) {
    message.float(2, value.float);
    message.integer(20, 1);
  } else if (typeof value === 'number') {
    message.integer(3, value);
    message.integer(20, 2);
  } else {
    for (const one of value) message.integer(8, one);
    message.integer(20, 7);
  }
}

function tensorProto(message: Message, { name, type, shape, bytes }: Initializer): void {
  for (const size of shape) message.integer(1, size);
  message.integer(2, elementTypes[type]);
  message.text(8, name);
  message.bytes(9, bytes);
}

function valueInfoProto(message: Message, { name, type, shape }: Port): void {
  message.text(1, name);
  message.message(2, (typeProto) =>
    typeProto.message(1, (tensor) => {
      tensor.integer(1, elementTypes[type]);
      tensor.message(2, (axes) => {
        for (const axis of shape) {
          axes.message(1, (dimension) => {
            if (typeof axis === 'number') dimension.integer(1, axis);
            else dimension.text(2, axis);
          });
        }
      });
    }),
  );
}

/** Writes the fields of one message. */
class Message {
  private readonly writer: BinaryWriter;

  constructor(writer = new BinaryWriter()) {
    this.writer = writer;
  }

  text(field: number, value: string): void {
    this.writer.tag(field, WireType.LengthDelimited).string(value);
  }

  bytes(field: number, value: Uint8Array): void {
    this.writer.tag(field, WireType.LengthDelimited).bytes(value);
  }

  integer(field: number, value: number): void {
    this.writer.tag(field, WireType.Varint).int64(value);
  }

  float(field: number, value: number): void {
    this.writer.tag(field, WireType.Bit32).float(value);
  }

  message(field: number, write: (inner: Message) => void): void {
    this.writer.tag(field, WireType.LengthDelimited).fork();
    write(this);
    this.writer.join();
  }

  finish(): Uint8Array {
    return this.writer.finish();
  }
}
