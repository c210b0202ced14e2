/** Numbers as people read them. */

export const count = (value: number): string => Math.round(value).toLocaleString('en-US');

export const nats = (value: number): string => value.toFixed(3);

export const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

/** Seconds as `1:02` or `1:02:03`. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const parts = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  if (parts[0] === 0) parts.shift();
  return parts.map((part, i) => (i === 0 ? `${part}` : `${part}`.padStart(2, '0'))).join(':');
}

/** A bar of `width` characters, filled in eighths. */
export function bar(share: number, width: number): string {
  const eighths = Math.round(Math.min(1, Math.max(0, share)) * width * 8);
  const full = Math.floor(eighths / 8);
  const rest = eighths % 8 === 0 ? '' : ' ▏▎▍▌▋▊▉'[eighths % 8];
  return `${'█'.repeat(full)}${rest}`.padEnd(width);
}

/** An argument as it is typed in a shell. */
export function quoted(argument: string): string {
  return /^[\w./:=@-]+$/.test(argument) ? argument : `"${argument.replace(/(["\\$`])/g, '\\$1')}"`;
}
