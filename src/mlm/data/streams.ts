/**
 * Which random numbers are drawn for what: every purpose has 2^24 streams of its own, so that a mask, an order
 * and a story never share numbers under one seed. A purpose that repeats by epoch adds the epoch.
 */
export const streams = {
  order: 0x01000000,
  masks: 0x02000000,
  split: 0x03000000,
  stories: 0x04000000,
  clock: 0x05000000,
  copy: 0x06000000,
  tasks: 0x07000000,
  levels: 0x08000000,
  corruption: 0x09000000,
  sampling: 0x0a000000,
  summaries: 0x0b000000,
  bookings: 0x0c000000,
  disturbance: 0x10000000,
  trials: 0x11000000,
} as const;
