// What is wrong with a protocol's file, as opposed to with the protocol: its author mends the file before anything can be said of races.

/** The message says where, what was expected and what was found. */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError';
}
