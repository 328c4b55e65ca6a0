// Fetches the packed digits from the server that served this page, unpacks and verifies them.

import { decodeDigits, parseDigitsManifest } from '../engine/digits.ts';
import { LoaderError } from '../ports/loader.ts';
import type { Loader } from '../ports/loader.ts';
import { messageOf } from './message-of.ts';

const DEADLINE_MS = 60_000;

/** Rejects with a `LoaderError`. */
export async function fetchDigits(manifestUrl: string): Promise<Loader> {
  const response = await get(manifestUrl);
  const manifest = parseDigitsManifest(await response.json());
  const packed = await get(new URL(manifest.file, manifestUrl).href);
  if (packed.body === null) throw new LoaderError(`The digits at ${packed.url} are empty. Reload the page.`);
  // A cap on what is unpacked comes with the manifest: the SHA-256 covers exactly that many bytes.
  const unpacked = packed.body.pipeThrough(new DecompressionStream(manifest.encoding));
  const bytes = new Uint8Array(await new Response(unpacked).arrayBuffer());
  return decodeDigits(bytes, manifest);
}

async function get(url: string): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(url, { signal: AbortSignal.timeout(DEADLINE_MS) });
  } catch (error) {
    throw new LoaderError(
      `The digits could not be fetched from ${url}: ${messageOf(error)}. Is the server still running?`,
      { cause: error },
    );
  }
  if (response.ok) return response;
  throw new LoaderError(
    `The server answered ${response.status} for ${url}, expected the digits. Rebuild or restart it.`,
  );
}
