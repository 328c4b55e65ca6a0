// One promise of a port as data: a sentence, and what proves it against a harness. Whoever runs it needs no test framework.

export interface ContractCase<Harness> {
  /** A sentence about the port, which is true. */
  readonly name: string;
  readonly run: (harness: Harness) => Promise<void>;
}

/** A port does not keep its contract. The message says what was expected and what was found. */
export class ContractError extends Error {
  override readonly name = 'ContractError';
}

export function expectThat(holds: boolean, expected: string, found: unknown): asserts holds {
  if (!holds) throw new ContractError(`Expected ${expected}, found ${describe(found)}.`);
}

export function expectEqual(what: string, found: unknown, expected: unknown): void {
  const [a, b] = [describe(found), describe(expected)];
  if (a !== b) throw new ContractError(`Expected ${what} to be ${b}, found ${a}.`);
}

/** The error that the work rejects with. */
export async function rejection(what: string, work: Promise<unknown>): Promise<Error> {
  let result: unknown;
  try {
    result = await work;
  } catch (error) {
    if (error instanceof Error) return error;
    throw new ContractError(`Expected ${what} to reject with an Error, found ${describe(error)}.`);
  }
  throw new ContractError(`Expected ${what} to reject, and it resolved with ${describe(result)}.`);
}

/** How a harness lets time pass: a virtual clock's, or the real one's. */
export interface Time {
  /** Returns when the condition holds; rejects when it does not within a bound that the harness knows. */
  readonly until: (what: string, condition: () => boolean) => Promise<void>;
  readonly pass: (ms: number) => Promise<void>;
}

const describe = (value: unknown): string => {
  if (value instanceof Error) return `${value.name}: ${value.message}`;
  const text = JSON.stringify(value) as string | undefined;
  if (text === undefined) return String(value);
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
};

/** Bytes that differ from place to place, and from one seed to another. */
export function pattern(length: number, seed: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) bytes[i] = Math.imul(i + seed * 7919, 0x9e3779b1) >>> 24;
  return bytes;
}

export const sameBytes = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, i) => byte === b[i]);
