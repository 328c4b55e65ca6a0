// The room's secret as a WebCrypto key. It is never sent, stored or logged by the transport.

import { TransportError } from './transport-error.ts';

export type Mac = (bytes: Uint8Array<ArrayBuffer>) => Promise<Uint8Array<ArrayBuffer>>;

/** HMAC-SHA-256 under the room's secret. */
export function createMac(secret: string): Mac {
  if (secret === '') {
    throw new TransportError(
      'no-secret',
      'Expected the secret of a room, found none: open the whole link of the room.',
    );
  }
  // `subtle` is missing, against its type, in pages that are not secure.
  const subtle = (crypto as Partial<Crypto>).subtle;
  if (subtle === undefined) {
    throw new TransportError(
      'insecure-page',
      'Expected a secure context (https, or http://localhost), found none: open the room by one of those.',
    );
  }
  const key = subtle.importKey(
    'raw',
    new TextEncoder().encode(secret),
    { name: 'HMAC', hash: 'SHA-256' },
    false,
    ['sign'],
  );
  return async (bytes) => new Uint8Array(await subtle.sign('HMAC', await key, bytes));
}
