// Who goes into which room. Pure.

/** As few rooms of at most `size` as hold `count`, the larger first; their sizes differ by one at most. */
export function dealSizes(count: number, size: number): readonly number[] {
  const rooms = Math.ceil(count / size);
  return Array.from({ length: rooms }, (_, i) => Math.floor(count / rooms) + (i < count % rooms ? 1 : 0));
}

/** A, B … Z, AA, AB … */
export const roomName = (index: number): string =>
  index < 26 ? String.fromCharCode(65 + index) : roomName(Math.floor(index / 26) - 1) + roomName(index % 26);

/** The name, or the name with the first number that makes it another than those that are `taken`, whatever the case of letters. */
export function freeName(name: string, taken: readonly string[], longest: number): string {
  const known = new Set(taken.map((other) => other.toLowerCase()));
  for (let n = 1; ; n++) {
    const number = n === 1 ? '' : ` ${n}`;
    const tried = name.slice(0, longest - number.length).trimEnd() + number;
    if (!known.has(tried.toLowerCase())) return tried;
  }
}
