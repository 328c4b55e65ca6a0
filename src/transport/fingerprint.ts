// The DTLS fingerprint in a session description: what binds the handshake to this very connection.

/**
 * The certificate fingerprint of an SDP, as `sha-256 AB:CD:…`; `undefined` where there is none, or more than one. Pure text
 * work on what the browser itself has accepted.
 */
export function fingerprintOf(sdp: string): string | undefined {
  const found = new Set<string>();
  for (const [, algorithm, value] of sdp.matchAll(/^a=fingerprint:(\S+) ([0-9A-Fa-f:]+)\s*$/gm)) {
    if (algorithm !== undefined && value !== undefined) {
      found.add(`${algorithm.toLowerCase()} ${value.toUpperCase()}`);
    }
  }
  const [only, ...others] = found;
  return others.length === 0 ? only : undefined;
}
