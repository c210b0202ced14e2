/**
 * A module is a part of a model: named parameters, named children, and a forward function of its own signature.
 * Building one allocates nothing; `materialize` (in `slab.ts`) gives all parameters of a model their memory at once.
 */
import type { Shape, Tensor } from '../autograd/index.ts';
import { ClozeError } from '../gpu/index.ts';
import type { Random } from '../kernels/index.ts';

/** Fills a parameter's first values in place; see `initializers.ts`. */
export type Initializer = (values: Float32Array, random: Random, shape: Shape) => void;

export interface ParameterOptions {
  decays: boolean;
  drawsAs?: (name: string) => string;
}

/** A trainable tensor: its shape and first values, and from `materialize` on its place in the slab. */
export class Parameter {
  readonly shape: Shape;
  readonly init: Initializer;
  /** Whether weight decay applies: to matrices, not to biases and normalisation weights. */
  readonly decays: boolean;
  /** Given this parameter's full name, that of the one whose random numbers it starts from; by default its own. */
  readonly drawsAs: (name: string) => string;
  private tensor: Tensor | undefined;

  constructor(shape: Shape, init: Initializer, { decays, drawsAs = (name) => name }: ParameterOptions) {
    this.shape = shape;
    this.init = init;
    this.decays = decays;
    this.drawsAs = drawsAs;
  }

  get size(): number {
    return this.shape.reduce((product, axis) => product * axis, 1);
  }

  get value(): Tensor {
    if (!this.tensor)
      throw new ClozeError('autograd', 'this model has no memory yet', 'Call materialize() first');
    return this.tensor;
  }

  set value(tensor: Tensor) {
    this.tensor = tensor;
  }
}

export abstract class Module {
  /** Whether dropout is active. Set through `train` and `eval`. */
  training = true;
  private readonly ownParameters = new Map<string, Parameter>();
  private readonly children = new Map<string, Module>();

  /** Adds a parameter under a name; returns it. */
  protected parameter(name: string, shape: Shape, init: Initializer, options: ParameterOptions): Parameter {
    const parameter = new Parameter(shape, init, options);
    this.ownParameters.set(name, parameter);
    return parameter;
  }

  /** Adds a child under a name; returns it. */
  protected child<M extends Module>(name: string, module: M): M {
    this.children.set(name, module);
    return module;
  }

  /** All parameters by their full names ("encoder.layer.0.output.dense.weight"), in order of construction. */
  *namedParameters(prefix = ''): Generator<[string, Parameter]> {
    for (const [name, parameter] of this.ownParameters) yield [prefix + name, parameter];
    for (const [name, child] of this.children) yield* child.namedParameters(`${prefix}${name}.`);
  }

  /** This module and all below it, by full names; the root's name is empty. */
  *namedModules(prefix = ''): Generator<[string, Module]> {
    yield [prefix, this];
    for (const [name, child] of this.children) {
      yield* child.namedModules(prefix ? `${prefix}.${name}` : name);
    }
  }

  train(training = true): this {
    for (const [, module] of this.namedModules()) module.training = training;
    return this;
  }

  eval(): this {
    return this.train(false);
  }
}
