// Which protocol core runs here, as replays name it.

/** It changes when old tapes would no longer fit. */
export const CORE_VERSION = 1;
