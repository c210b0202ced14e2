/**
 * Every error a user can meet has this form: what went wrong, and what to do about it. The `code` is stable and
 * meant for programs; the message is meant for people and fits on one line.
 */
export type ErrorCode =
  | 'no-adapter'
  | 'device-lost'
  | 'out-of-memory'
  | 'gpu'
  | 'closed'
  | 'shape'
  | 'dtype'
  | 'autograd'
  | 'capture'
  | 'input'
  | 'option'
  | 'format'
  | 'checkpoint'
  | 'nan'
  | 'io';

export class ClozeError extends Error {
  readonly code: ErrorCode;

  /** `message` names the thing; `remedy`, when given, says what to do and is appended after a full stop. */
  constructor(code: ErrorCode, message: string, remedy?: string, options?: ErrorOptions) {
    super(remedy ? `${message.replace(/\.$/, '')}. ${remedy}` : message, options);
    this.name = 'ClozeError';
    this.code = code;
  }
}
