/**
 * `cloze bench kernels --peers`: our operations and those of other libraries on the same adapter, with equal operands,
 * in turns. The libraries are loaded here and nowhere else; WebGPU must be at `navigator.gpu`, where they look for it.
 */
import { platform } from '#platform';
import { Engine } from '../../src/autograd/index.ts';
import type { Device } from '../../src/gpu/index.ts';
import { type Listener, measureCases } from '../kernels.ts';
import type { KernelReport } from '../report.ts';
import { defaultSampling, type Sampling } from '../sampling.ts';
import { clozeCompetitor } from './cloze.ts';
import type { Competitor } from './competitor.ts';
import { measureOperation, reasonOf } from './contest.ts';
import { jaxCompetitor } from './jax.ts';
import type { OperationCase } from './operations.ts';
import { tfjsCompetitor } from './tfjs.ts';

/** How each peer is opened, by name. */
export const peers: Readonly<Record<string, () => Promise<Competitor>>> = {
  tfjs: () => tfjsCompetitor('webgpu'),
  'jax-js': jaxCompetitor,
};

export interface PeerOptions extends Listener {
  cases: readonly OperationCase[];
  peers?: Readonly<Record<string, () => Promise<Competitor>>>;
  /** Lets the peers wait for the GPU as we do, and not as they would in Node by themselves. */
  patient?: boolean;
  sampling?: Sampling;
}

export async function measurePeers(device: Device, options: PeerOptions): Promise<KernelReport> {
  const { cases, sampling = defaultSampling, patient = false } = options;
  const engine = new Engine(device);
  const opened: Competitor[] = [];
  for (const [name, open] of Object.entries(options.peers ?? peers)) {
    const peer = await open().catch((error) => absent(name, reasonOf(error)));
    opened.push(patient ? waitingAsWeDo(peer) : peer);
  }
  try {
    const measure = async (bench: OperationCase, ceiling: KernelReport['ceiling']) => [
      await measureOperation(clozeCompetitor(engine), opened, bench, sampling, ceiling),
    ];
    return await measureCases(device, cases, measure, sampling, options);
  } finally {
    for (const peer of opened) peer.close();
  }
}

/** Stands in for a library that does not start. */
function absent(name: string, why: string): Competitor {
  const refuse = async (): Promise<never> => {
    throw new Error(why);
  };
  return { name, prepare: refuse, finish: refuse, close: () => {} };
}

function waitingAsWeDo(peer: Competitor): Competitor {
  return {
    name: peer.name,
    prepare: (operation, operands) => peer.prepare(operation, operands),
    finish: () => platform.patiently(peer.finish()),
    close: () => peer.close(),
  };
}
