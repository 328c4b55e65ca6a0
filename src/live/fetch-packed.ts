// Fetches a packed data set from the server that served this page.

import { LoaderError } from '../ports/loader.ts';
import { messageOf } from './message-of.ts';

const DEADLINE_MS = 60_000;

/** Fetches a manifest and the file that it names, and unpacks that. Rejects with a `LoaderError`. */
export async function unpack<
  M extends { readonly file: string; readonly encoding: 'gzip'; readonly bytes: number },
>(
  manifestUrl: string,
  parse: (value: unknown) => M,
): Promise<{ readonly manifest: M; readonly bytes: Uint8Array<ArrayBuffer> }> {
  const manifest = parse(await readJson(await get(manifestUrl)));
  const packed = await get(new URL(manifest.file, manifestUrl).href);
  if (packed.body === null) throw new LoaderError(`The data at ${packed.url} is empty. Reload the page.`);
  const unpacked = packed.body.pipeThrough(new DecompressionStream(manifest.encoding));
  try {
    return { manifest, bytes: await collect(unpacked, manifest.bytes) };
  } catch (error) {
    if (error instanceof LoaderError) throw error;
    throw new LoaderError(
      `The data at ${packed.url} could not be unpacked: it is cut off or damaged. Reload the page.`,
      { cause: error },
    );
  }
}

/** All bytes of a stream that should have this many; no more than that is kept. */
async function collect(
  stream: ReadableStream<Uint8Array>,
  expected: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(expected);
  let length = 0;
  const reader = stream.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return bytes.subarray(0, length);
    if (length + value.length > expected) {
      await reader.cancel();
      throw new LoaderError(
        `The data unpacks to more than the ${expected} bytes of its manifest. Rebuild the server.`,
      );
    }
    bytes.set(value, length);
    length += value.length;
  }
}

async function readJson(response: Response): Promise<unknown> {
  try {
    return await response.json();
  } catch (error) {
    throw new LoaderError(
      `The manifest at ${response.url} is not JSON: ${messageOf(error)}. Rebuild the server.`,
      { cause: error },
    );
  }
}

async function get(url: string): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(url, { signal: AbortSignal.timeout(DEADLINE_MS) });
  } catch (error) {
    throw new LoaderError(
      `The data could not be fetched from ${url}: ${messageOf(error)}. Is the server still running?`,
      { cause: error },
    );
  }
  if (response.ok) return response;
  throw new LoaderError(
    `The server answered ${response.status} for ${url}, expected a data set. Rebuild or restart it.`,
  );
}
