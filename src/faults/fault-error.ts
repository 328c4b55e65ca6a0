// What is thrown for a fault that cannot be injected here and now.

export type FaultRefusal =
  /** Nothing here can do that. */
  | 'unsupported'
  /** It names a rank that the generation has not. */
  | 'no-such-rank'
  /** It is not in the vocabulary. */
  | 'invalid'
  /** Real exhaustion needs the consent of whoever sits at the machine. */
  | 'no-consent';

export class FaultError extends Error {
  override readonly name = 'FaultError';
  constructor(
    readonly refusal: FaultRefusal,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
