// What every data set checks before it reads.

import { LoaderError, type Loader, type Split } from '../../ports/loader.ts';

/** Throws a `LoaderError` for a row that the split does not have. */
export function checkRows(sizes: Loader['sizes'], split: Split, rows: Int32Array): void {
  const stray = rows.find((row) => row < 0 || row >= sizes[split]);
  if (stray === undefined) return;
  throw new LoaderError(`Row ${stray} was asked for; the ${split} split has rows 0 to ${sizes[split] - 1}.`);
}
