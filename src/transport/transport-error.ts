// What the transport throws at whoever opens it. Anything that happens later is told to its handlers instead.

export type TransportFault = 'bad-room' | 'bad-settings' | 'no-secret' | 'insecure-page' | 'bad-bridge';

export class TransportError extends Error {
  override readonly name = 'TransportError';
  constructor(
    readonly fault: TransportFault,
    message: string,
  ) {
    super(message);
  }
}
