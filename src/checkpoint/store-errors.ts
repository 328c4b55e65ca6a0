// What IndexedDB throws, as a typed error in words that a person can act on.

import { StoreError } from '../ports/store.ts';

/** `doing` completes the sentence "Could not …". A `StoreError` passes unchanged. */
export function storeErrorFrom(error: unknown, doing: string): StoreError {
  if (error instanceof StoreError) return error;
  const name = error instanceof Error || error instanceof DOMException ? error.name : 'unknown error';
  const detail = error instanceof Error || error instanceof DOMException ? error.message : String(error);
  const say = (fault: StoreError['fault'], why: string): StoreError =>
    new StoreError(fault, `Could not ${doing}: ${why} (${name}${detail === '' ? '' : `: ${detail}`})`, {
      cause: error,
    });

  switch (name) {
    case 'QuotaExceededError':
      return say('quota', "this browser's storage is full. Free some space, or keep fewer checkpoints");
    case 'SecurityError':
      return say(
        'unavailable',
        'this page may not store anything. Allow site data, or leave the private window',
      );
    case 'VersionError':
      return say('unavailable', 'the database was written by a newer version of this page. Reload the page');
    case 'NotFoundError':
    case 'InvalidAccessError':
      return say(
        'unavailable',
        'the database is not one of ours or was deleted meanwhile. Delete it and reload the page',
      );
    case 'InvalidStateError':
    case 'AbortError':
    case 'UnknownError':
      return say(
        'unavailable',
        'the browser gave the database up, as it does in private windows, or when site data is deleted or the disk fails. Try again',
      );
    case 'NotReadableError':
    case 'DataError':
      return say(
        'corrupt',
        'a stored value cannot be read any more, as when the disk fails. It is lost; the others are not',
      );
    case 'DataCloneError':
      return say('refused', 'the record holds something that cannot be stored. Store plain data only');
    default:
      return say('unavailable', 'the database failed in a way that is not known. Try again');
  }
}

export const noIndexedDb = (doing: string): StoreError =>
  new StoreError(
    'unavailable',
    `Could not ${doing}: this environment has no IndexedDB. Use a current browser, outside of a private window.`,
  );

/** Nothing was asked of the database: it could not even be opened. */
export class NotOpenedError extends StoreError {}

export const notOpened = (doing: string, ms: number): NotOpenedError =>
  new NotOpenedError(
    'blocked',
    pastDeadline(doing, ms, 'another tab holds the database while it is deleted or upgraded').message,
  );

export const pastDeadline = (doing: string, ms: number, why: string): StoreError =>
  new StoreError(
    'blocked',
    `Could not ${doing} within ${ms} ms: ${why}. Close other tabs of this site, or wake the one that hangs.`,
  );
