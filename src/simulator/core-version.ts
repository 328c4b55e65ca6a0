// Which protocol core runs here, as replays name it.

/**
 * It changes whenever the core decides otherwise than before, since old tapes no longer fit then. A test holds it against the traces of the
 * first seeds (`test/fixtures/core-versions.json`).
 */
export const CORE_VERSION = 8;
