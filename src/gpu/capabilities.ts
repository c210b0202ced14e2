/** What an adapter offers, as one frozen and printable record: the only thing that variant choice may look at. */
export interface Capabilities {
  readonly name: string;
  readonly vendor: string;
  readonly architecture: string;
  readonly description: string;
  /** True for adapters that compute on the CPU (lavapipe, SwiftShader, WARP). */
  readonly software: boolean;
  readonly features: ReadonlySet<string>;
  readonly limits: Readonly<Record<LimitName, number>>;
  /** Smallest and largest subgroup size; both 0 where subgroups are not available. */
  readonly subgroupMinSize: number;
  readonly subgroupMaxSize: number;
}

export const limitNames = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxStorageBuffersPerShaderStage',
  'maxUniformBufferBindingSize',
  'maxComputeWorkgroupStorageSize',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupSizeX',
  'maxComputeWorkgroupSizeY',
  'maxComputeWorkgroupSizeZ',
  'maxComputeWorkgroupsPerDimension',
  'minStorageBufferOffsetAlignment',
  'minUniformBufferOffsetAlignment',
] as const;

export type LimitName = (typeof limitNames)[number];

/**
 * A name as a driver writes it, without its empty parts: SwiftShader and llvmpipe end theirs with a hyphen. A mere number, which is what
 * wgpu gives for one, is none.
 */
export function plainAdapterName(name: string): string {
  return /^\d*$/.test(name) ? '' : name.split('-').filter(Boolean).join('-');
}

/** Reads the capabilities of an open device. `info` is the adapter's, where the device itself does not carry it. */
export function readCapabilities(device: GPUDevice, info: GPUAdapterInfo = device.adapterInfo): Capabilities {
  const limits = Object.fromEntries(limitNames.map((name) => [name, device.limits[name] as number]));
  const subgroups = device.features.has('subgroups');
  const text = `${info.vendor} ${info.architecture} ${info.device} ${info.description}`;
  return Object.freeze({
    name:
      plainAdapterName(info.device) ||
      info.description ||
      info.architecture ||
      info.vendor ||
      'unknown adapter',
    vendor: info.vendor,
    architecture: info.architecture,
    description: info.description,
    software: /llvmpipe|lavapipe|swiftshader|warp|basic render/i.test(text),
    features: new Set<string>(device.features),
    limits: Object.freeze(limits) as Capabilities['limits'],
    subgroupMinSize: subgroups ? (info.subgroupMinSize ?? 4) : 0,
    subgroupMaxSize: subgroups ? (info.subgroupMaxSize ?? 128) : 0,
  });
}
