// Opens a job's data set: fetched packed from the server that served this page, found among the texts of this browser, or drawn.

import { sha256Hex } from '../checkpoint/sha256.ts';
import { decodeDigits, parseDigitsManifest } from '../engine/data/digits.ts';
import { decodePackedText, parseTextManifest } from '../engine/data/packed-text.ts';
import { decodeText, openText } from '../engine/data/text.ts';
import type { Text } from '../engine/data/text.ts';
import { createToys } from '../engine/data/toys.ts';
import type { DataDamage } from '../faults/data-asset.ts';
import type { Job } from '../job/job.ts';
import { LoaderError } from '../ports/loader.ts';
import type { Loader } from '../ports/loader.ts';
import { messageOf } from './message-of.ts';
import { findText } from './texts.ts';

const DEADLINE_MS = 60_000;

/**
 * `folder`: the address of the packed data sets, with a slash at its end. With `damage` they are looked for where there are none, or
 * only the first half of what is fetched is kept. Rejects with a `LoaderError`.
 */
export async function openData(job: Job, folder: string, damage?: DataDamage): Promise<Loader> {
  const from = damage === 'missing' ? new URL('missing/', folder).href : folder;
  switch (job.data.kind) {
    case 'digits': {
      const { manifest, bytes } = await unpack(new URL('digits.json', from).href, parseDigitsManifest);
      const kept = damage === 'truncated' ? bytes.subarray(0, bytes.length >>> 1) : bytes;
      return decodeDigits(kept, manifest, await sha256Hex(kept));
    }
    case 'text':
      if (job.model.kind !== 'gpt') {
        throw new LoaderError(`A text needs a model of kind gpt, and this job has ${job.model.kind}.`);
      }
      if (damage === 'truncated') throw new LoaderError('The text that came is cut off.');
      return openText(await readText(job.data.corpus, from), job.model.context);
    case 'toy':
      if (damage !== undefined) throw new LoaderError('The points can no longer be drawn.');
      return createToys(job.data, job.seed);
  }
}

/** A packed text by name, or one that a person brought, by the SHA-256 of its bytes. Rejects with a `LoaderError`. */
export async function readText(corpus: string, folder: string): Promise<Text> {
  if (corpus === 'moby-dick') {
    const { manifest, bytes } = await unpack(new URL(`${corpus}.json`, folder).href, parseTextManifest);
    return decodePackedText(bytes, manifest);
  }
  const bytes = await findText(corpus);
  if (bytes === undefined) {
    throw new LoaderError(
      `The room trains on a text file that this browser does not have (SHA-256 ${corpus.slice(0, 12)}…). ` +
        'Choose the same file in the lab, in the panel “Let it write”.',
    );
  }
  const text = decodeText(bytes, 'The stored text');
  if (text.sha256 !== corpus) {
    throw new LoaderError(
      `The text stored as ${corpus.slice(0, 12)}… has SHA-256 ${text.sha256}: it was damaged. Bring the file again.`,
    );
  }
  return text;
}

/** Fetches a manifest and the file that it names, and unpacks that. */
async function unpack<M extends { readonly file: string; readonly encoding: 'gzip'; readonly bytes: number }>(
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
