/**
 * Muon (Jordan et al., "Muon: An optimizer for hidden layers in neural networks", 2024): the update of a hidden matrix
 * is its momentum with all singular values brought near to 1. What is no hidden matrix (embeddings, heads, vectors) gets
 * AdamW. Gradients are clipped by one global norm over all parameters, and a step whose norm is not finite
 * changes nothing. Nothing is read back.
 *
 * Matrices of one shape share a segment of the slab, so that one batched product serves all layers: materialize the
 * model with `groupOf: muonGroups(...)`.
 */
import type { Tensor } from '../autograd/index.ts';
import { ClozeError } from '../gpu/index.ts';
import { muonMomentum, muonUpdate } from '../kernels/muon.ts';
import { AdamW, type AdamWOptions } from './adamw.ts';
import { GradientClip } from './gradientClip.ts';
import type { Parameter } from './module.ts';
import { type Matrices, newtonSchulz } from './newtonSchulz.ts';
import type { Optimizer, OptimizerState } from './optimizer.ts';
import { decayGroup, type Segment, Slab } from './slab.ts';

/** Weight decay, clipping and the factors on the learning rate hold for all parameters, the rest is AdamW's. */
export interface MuonOptions extends AdamWOptions {
  /** Share of the momentum that a step keeps. */
  momentum?: number;
  /**
   * What an orthogonal update of a rows × columns matrix is multiplied with, named as in torch.optim.Muon.
   * `match_rms_adamw`: 0.2 · sqrt(max(rows, columns)), which gives it the size of AdamW's updates, so that both have
   * one learning rate and one weight decay (Liu et al., "Muon is scalable for LLM training", 2025). `original`:
   * sqrt(max(1, rows / columns)); its learning rates are about 0.02, and `lrScale` has to lower AdamW's.
   */
  adjustLr?: 'match_rms_adamw' | 'original';
}

const prefix = 'muon';

/** Groups for `materialize`: hidden matrices by their shapes, the rest by whether it decays. */
export function muonGroups(
  isHidden: (name: string, parameter: Parameter) => boolean,
): (name: string, parameter: Parameter) => string {
  return (name, parameter) =>
    parameter.shape.length === 2 && isHidden(name, parameter)
      ? `${prefix} ${parameter.shape.join('x')}`
      : decayGroup(name, parameter);
}

/** A segment of matrices, and what is remembered of it. */
interface Hidden {
  segment: Segment;
  matrices: Matrices;
  momentum: Tensor;
  /** Rate and decay of the step, as the kernel reads them. */
  hyper: Tensor;
}

export class Muon implements Optimizer {
  readonly state: readonly OptimizerState[];
  private readonly adamw: AdamW;
  private readonly clip: GradientClip;
  private readonly hidden: readonly Hidden[];
  private readonly options: Required<Pick<MuonOptions, 'momentum' | 'adjustLr' | 'weightDecay' | 'lrScale'>>;

  constructor(slab: Slab, options: MuonOptions = {}) {
    const { engine, segments } = slab;
    const isHidden = ({ group }: Segment) => group.startsWith(prefix);
    const hidden = new Slab(engine, segments.filter(isHidden));
    const rest = new Slab(
      engine,
      segments.filter((segment) => !isHidden(segment)),
    );
    this.options = {
      momentum: 0.95,
      adjustLr: 'match_rms_adamw',
      weightDecay: 0.01,
      lrScale: () => 1,
      ...options,
    };
    this.clip = new GradientClip(slab, options.maxGradNorm ?? 0, options.scaler);
    this.adamw = new AdamW(rest, options, this.clip);
    this.hidden = hidden.segments.map((segment) => ({
      segment,
      matrices: matricesOf(segment),
      momentum: engine.keep(engine.zeros(segment.values.shape)),
      hyper: engine.keep(engine.zeros([2])),
    }));
    const momenta = this.hidden.map(({ momentum }) => momentum);
    this.state = [...this.adamw.state, { name: 'momentum_buffer', slab: hidden, flat: momenta }];
  }

  get steps(): number {
    return this.adamw.steps;
  }

  set steps(steps: number) {
    this.adamw.steps = steps;
  }

  get gradNorm(): Tensor {
    return this.clip.norm;
  }

  step(lr: number): void {
    this.prepare(lr);
    this.update();
  }

  prepare(lr: number): void {
    this.adamw.prepare(lr);
    const { weightDecay, lrScale } = this.options;
    for (const { segment, matrices, hyper } of this.hidden) {
      const rate = lr * lrScale(segment.group);
      hyper.write(Float32Array.of(rate * this.scale(matrices), rate * weightDecay));
    }
  }

  update(): void {
    this.clip.measure();
    this.adamw.apply();
    for (const hidden of this.hidden) this.apply(hidden);
  }

  dispose(): void {
    this.adamw.dispose();
    for (const { momentum, hyper } of this.hidden) {
      momentum.dispose();
      hyper.dispose();
    }
  }

  private apply({ segment, matrices, momentum, hyper }: Hidden): void {
    const { engine } = momentum;
    const { factor } = this.clip;
    const { momentum: beta } = this.options;
    const count = momentum.size;
    engine.scope(() => {
      const look = engine.empty([count]);
      const gradient = segment.gradients;
      engine.run(muonMomentum, { count, beta }, { gradient, factor, momentum, update: look });
      const update = newtonSchulz(look, matrices);
      engine.run(muonUpdate, { count }, { update, hyper, factor, value: segment.values });
    });
  }

  private scale({ rows, columns }: Matrices): number {
    return this.options.adjustLr === 'original'
      ? Math.sqrt(Math.max(1, rows / columns))
      : 0.2 * Math.sqrt(Math.max(rows, columns));
  }
}

/** Throws `shape` when the segment holds anything but matrices of one shape, as `muonGroups` arranges them. */
function matricesOf({ group, slots, values }: Segment): Matrices {
  const [rows, columns] = slots[0].parameter.shape;
  const [count, stride] = [slots.length, values.size / slots.length];
  for (const { name, parameter, offset } of slots) {
    const { shape } = parameter;
    if (shape.length === 2 && shape[0] === rows && shape[1] === columns && offset % stride === 0) continue;
    throw new ClozeError(
      'shape',
      `Muon: ${name} is [${shape.join(', ')}], and the group ${group} begins with [${slots[0].parameter.shape.join(', ')}]`,
      'Give materialize() the groups of muonGroups()',
    );
  }
  return { count, rows, columns, stride };
}
