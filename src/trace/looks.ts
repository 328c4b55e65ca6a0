// The looks by which ranks are told apart on every page: so many colours, plain and once more with a ring.

/** As many as the lab's style/tokens.css defines (`--rank-0` …). */
export const COLOURS = 8;
/** Each colour comes plain, and once more with a ring for a room with more ranks than colours: slot `COLOURS + n` is colour n, ringed. */
export const SLOTS = 2 * COLOURS;

/** From 0 to `COLOURS - 1`. */
export const colourOf = (slot: number): number => slot % COLOURS;
export const isRinged = (slot: number): boolean => slot % SLOTS >= COLOURS;
