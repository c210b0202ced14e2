/**
 * A GPUDevice that has another one's limits and features, allocates nothing and computes nothing; what is read from it
 * is zero. Work that is recorded on it tells what it would need, memory and pipelines, before anything is spent.
 */
export function dryGpu(like: GPUDevice): GPUDevice {
  const nothing = () => ({});
  const pass = { setPipeline: nothing, setBindGroup: nothing, dispatchWorkgroups: nothing, end: nothing };
  const encoder = {
    beginComputePass: () => pass,
    copyBufferToBuffer: nothing,
    clearBuffer: nothing,
    finish: nothing,
  };
  const device = {
    limits: like.limits,
    features: like.features,
    adapterInfo: like.adapterInfo,
    lost: new Promise<never>(() => {}),
    addEventListener: nothing,
    pushErrorScope: nothing,
    popErrorScope: () => Promise.resolve(null),
    destroy: nothing,
    createBuffer: ({ size }: GPUBufferDescriptor) => ({
      size,
      destroy: nothing,
      mapAsync: () => Promise.resolve(),
      getMappedRange: (_offset: number, bytes: number) => new ArrayBuffer(bytes),
      unmap: nothing,
    }),
    createBindGroupLayout: nothing,
    createPipelineLayout: nothing,
    createShaderModule: nothing,
    createComputePipeline: nothing,
    createBindGroup: nothing,
    createCommandEncoder: () => encoder,
    queue: { writeBuffer: nothing, submit: nothing, onSubmittedWorkDone: () => Promise.resolve() },
  };
  return device as unknown as GPUDevice;
}
