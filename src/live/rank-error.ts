// What a rank answers whoever asked it for something that it could not do.

export class RankError extends Error {
  override readonly name = 'RankError';
}
