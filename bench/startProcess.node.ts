/** A process that does what a run does until its first loss, and tells when it got there. */
import { Engine } from '../src/autograd/index.ts';
import { answerRequest } from './driverCache.node.ts';
import { OurTraining, type StepSizes } from './stepTask.ts';

export interface StartRequest extends StepSizes {
  adapter?: string;
}

/** Milliseconds since the process began, by which each was done. */
export interface StartTimes {
  adapter: string;
  modules: number;
  device: number;
  model: number;
  firstLoss: number;
}

answerRequest(async ({ adapter, ...sizes }: StartRequest): Promise<StartTimes> => {
  const modules = performance.now();
  const engine = await Engine.open({ adapter });
  const device = performance.now();
  await rehearse(engine, sizes);
  const training = await OurTraining.open(engine, sizes);
  const model = performance.now();
  await training.step();
  const firstLoss = performance.now();
  training.close();
  engine.close();
  return { adapter: engine.device.capabilities.name, modules, device, model, firstLoss };
});

/** Compiles the pipelines in parallel, as a run does before its first step. */
async function rehearse(engine: Engine, sizes: StepSizes): Promise<void> {
  const twin = engine.dryTwin();
  const training = await OurTraining.open(twin, sizes);
  await training.step();
  await engine.device.prepareAs(twin.device);
}
