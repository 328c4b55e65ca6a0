// A job's text: fetched packed from the server that served this page, or found among the texts that this browser keeps.

import { decodePackedText, parseTextManifest } from '../engine/data/packed-text.ts';
import { decodeText, openText } from '../engine/data/text.ts';
import type { Text } from '../engine/data/text.ts';
import { LoaderError } from '../ports/loader.ts';
import type { Loader } from '../ports/loader.ts';
import { unpack } from './fetch-packed.ts';
import { findText } from './texts.ts';

/** Windows of `context` characters. Rejects with a `LoaderError`. */
export const openTextData = async (corpus: string, folder: string, context: number): Promise<Loader> =>
  openText(await readText(corpus, folder), context);

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
