/**
 * Compute pipelines, each made once. The WGSL text is the key: what differs in anything but text (shapes, learning
 * rate) lives in uniforms and never makes a new pipeline.
 */
import { ClozeError } from './errors.ts';

export type BindingAccess = 'read' | 'write' | 'read-write';

export interface PipelineRequest {
  label: string;
  code: string;
  /** Access of each storage binding in order; a uniform of parameters follows when `uniform` is set. */
  access: readonly BindingAccess[];
  uniform: boolean;
}

export interface Pipeline {
  readonly id: number;
  readonly gpu: GPUComputePipeline;
  readonly layout: GPUBindGroupLayout;
  readonly request: PipelineRequest;
}

export class PipelineCache {
  private readonly device: GPUDevice;
  private readonly ready = new Map<string, Pipeline>();
  private readonly pending = new Map<string, Promise<Pipeline>>();
  private nextId = 1;

  constructor(device: GPUDevice) {
    this.device = device;
  }

  /** What every pipeline so far was made from. */
  get requests(): PipelineRequest[] {
    return [...this.ready.values()].map(({ request }) => request);
  }

  /** The pipeline of this text, compiled now if need be. Errors surface at the device's next check. */
  get(request: PipelineRequest): Pipeline {
    const known = this.ready.get(request.code);
    if (known) return known;
    const { descriptor, layout } = this.describe(request);
    const pipeline = {
      id: this.nextId++,
      gpu: this.device.createComputePipeline(descriptor),
      layout,
      request,
    };
    this.ready.set(request.code, pipeline);
    return pipeline;
  }

  /** Compiles many pipelines at once, off the main thread where the driver can. Rejects with the WGSL line at fault. */
  async prepare(requests: readonly PipelineRequest[]): Promise<void> {
    await Promise.all(requests.map((request) => this.prepareOne(request)));
  }

  private prepareOne(request: PipelineRequest): Promise<Pipeline> {
    const known = this.ready.get(request.code);
    if (known) return Promise.resolve(known);
    let promise = this.pending.get(request.code);
    if (!promise) {
      promise = this.compile(request).finally(() => this.pending.delete(request.code));
      this.pending.set(request.code, promise);
    }
    return promise;
  }

  private async compile(request: PipelineRequest): Promise<Pipeline> {
    this.device.pushErrorScope('validation');
    const { descriptor, layout, module } = this.describe(request);
    const failed = this.device.popErrorScope();
    const info = await module.getCompilationInfo();
    const fault = info.messages.find((message) => message.type === 'error');
    const scopeError = await failed;
    if (fault) {
      throw new ClozeError('gpu', `${request.label} does not compile: ${describeFault(request.code, fault)}`);
    }
    if (scopeError) throw new ClozeError('gpu', `${request.label}: ${scopeError.message}`);
    try {
      const gpu = await this.device.createComputePipelineAsync(descriptor);
      const pipeline = { id: this.nextId++, gpu, layout, request };
      this.ready.set(request.code, pipeline);
      return pipeline;
    } catch (error) {
      throw new ClozeError('gpu', `${request.label} does not compile: ${(error as Error).message}`);
    }
  }

  private describe({ label, code, access, uniform }: PipelineRequest) {
    const device = this.device;
    const entries: GPUBindGroupLayoutEntry[] = access.map((kind, binding) => ({
      binding,
      visibility: 4, // COMPUTE
      buffer: { type: kind === 'read' ? 'read-only-storage' : 'storage' },
    }));
    if (uniform) entries.push({ binding: access.length, visibility: 4, buffer: { type: 'uniform' } });
    const layout = device.createBindGroupLayout({ label, entries });
    const module = device.createShaderModule({ label, code });
    const descriptor: GPUComputePipelineDescriptor = {
      label,
      layout: device.createPipelineLayout({ label, bindGroupLayouts: [layout] }),
      compute: { module, entryPoint: 'main' },
    };
    return { descriptor, layout, module };
  }
}

/** "line 12: unresolved identifier 'x' | let y = x + 1;" */
export function describeFault(code: string, fault: GPUCompilationMessage): string {
  const line = code.split('\n')[fault.lineNum - 1]?.trim() ?? '';
  return `line ${fault.lineNum}: ${fault.message.split('\n')[0]} | ${line}`;
}
