// How long a text may be: told before anything that reads texts is loaded.

/** Bytes of a text that a person brings. */
export const MAX_TEXT_BYTES = 16 * 1024 * 1024;
