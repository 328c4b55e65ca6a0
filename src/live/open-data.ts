// Opens a job's data set: fetched packed from the server that served this page, found among the texts of this browser, or drawn. What only
// some jobs need is loaded with the first of them.

import { sha256Hex } from '../checkpoint/sha256.ts';
import { decodeDigits, parseDigitsManifest } from '../engine/data/digits.ts';
import type { DataDamage } from '../faults/data-asset.ts';
import type { Job } from '../job/job.ts';
import { LoaderError } from '../ports/loader.ts';
import type { Loader } from '../ports/loader.ts';
import { unpack } from './fetch-packed.ts';

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
      return (await import('./open-text.ts')).openTextData(job.data.corpus, from, job.model.context);
    case 'toy':
      if (damage !== undefined) throw new LoaderError('The points can no longer be drawn.');
      return (await import('../engine/data/toys.ts')).createToys(job.data, job.seed);
  }
}
