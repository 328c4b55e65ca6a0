// A text that is packed with the program: its manifest, and the check of what was unpacked against it.

import * as v from 'valibot';
import { LoaderError } from '../../ports/loader.ts';
import { MAX_TEXT_BYTES } from './text-limit.ts';
import { decodeText, type Text } from './text.ts';

const count = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(MAX_TEXT_BYTES));
const sha256Hex = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/u));

const TextManifestSchema = v.object({
  format: v.literal(1),
  name: v.string(),
  /** Beside the manifest. */
  file: v.pipe(v.string(), v.regex(/^[\w-]+\.bin$/u)),
  encoding: v.literal('gzip'),
  /** Of the file as served. */
  packedBytes: count,
  packedSha256: sha256Hex,
  /** Of the text, in UTF-8. */
  bytes: count,
  sha256: sha256Hex,
  /** Sorted by code point. */
  vocabulary: v.string(),
  /** What was done to the source, in words. */
  normalisation: v.string(),
  source: v.string(),
  licence: v.string(),
});

export type TextManifest = Readonly<v.InferOutput<typeof TextManifestSchema>>;

/** Validates a manifest from outside. Throws a `LoaderError`. */
export function parseTextManifest(value: unknown): TextManifest {
  const result = v.safeParse(TextManifestSchema, value);
  if (result.success) return result.output;
  const issue = result.issues[0];
  throw new LoaderError(
    `The text's manifest is not valid at ${v.getDotPath(issue) ?? 'manifest'}: ${issue.message}`,
  );
}

/** Throws a `LoaderError` when size, SHA-256 or vocabulary is not what the manifest says. */
export function decodePackedText(bytes: Uint8Array, manifest: TextManifest): Text {
  const { name } = manifest;
  if (bytes.length !== manifest.bytes) {
    throw new LoaderError(
      `The text ${name} has ${bytes.length} bytes and should have ${manifest.bytes}: the file is cut off or was not unpacked. Reload it.`,
    );
  }
  const text = decodeText(bytes, `The text ${name}`);
  if (text.sha256 !== manifest.sha256 || text.vocabulary.join('') !== manifest.vocabulary) {
    throw new LoaderError(
      `The text ${name} has SHA-256 ${text.sha256} and should have ${manifest.sha256}: the file was damaged or changed. Reload it.`,
    );
  }
  return text;
}
