/**
 * Kernel parameters (shapes, scales) as uniform buffers. Equal parameters share one slot, written once and never
 * changed, so a repeated step uploads nothing and its bind groups can be kept.
 */
export interface UniformSlot {
  readonly buffer: GPUBuffer;
  readonly offset: number;
  readonly size: number;
  readonly id: number;
}

const PAGE = 64 * 1024;

export class UniformArena {
  private readonly device: GPUDevice;
  private readonly alignment: number;
  private readonly slots = new Map<string, UniformSlot>();
  private page: GPUBuffer | undefined;
  private used = PAGE;

  constructor(device: GPUDevice) {
    this.device = device;
    this.alignment = device.limits.minUniformBufferOffsetAlignment;
  }

  /** The slot that holds these words (4-byte scalars, in the order of the WGSL struct). */
  slot(words: Uint32Array): UniformSlot {
    const key = words.join();
    const known = this.slots.get(key);
    if (known) return known;
    const size = Math.max(16, Math.ceil(words.length / 4) * 16);
    if (this.used + size > PAGE || !this.page) {
      this.page = this.device.createBuffer({ size: PAGE, usage: 0x40 | 0x08, label: 'kernel parameters' }); // UNIFORM | COPY_DST
      this.used = 0;
    }
    this.device.queue.writeBuffer(
      this.page,
      this.used,
      words.buffer as ArrayBuffer,
      words.byteOffset,
      words.byteLength,
    );
    const slot = { buffer: this.page, offset: this.used, size, id: this.slots.size };
    this.used += Math.ceil(size / this.alignment) * this.alignment;
    this.slots.set(key, slot);
    return slot;
  }
}
