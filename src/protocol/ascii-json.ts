// JSON in ASCII, so that no text decoder is needed: everything else is escaped. And how long it is, without making it: a simulated
// network asks that of every message.

export const asciiJson = (value: unknown): string =>
  JSON.stringify(value).replace(
    /[\u0080-\uffff]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );

/** Lists beyond this are measured once: a generation of a thousand members is named in thousands of messages. */
const SHORT_LIST = 64;
const lengths = new WeakMap<readonly unknown[], number>();

/** The length of `asciiJson(value)`, for plain data: lists must not be changed once they were measured. */
export function jsonLength(value: unknown): number {
  switch (typeof value) {
    case 'string':
      return textLength(value);
    case 'number':
      return numberLength(value);
    case 'boolean':
      return value ? 4 : 5;
    case 'object':
      return value === null ? 4 : Array.isArray(value) ? listLength(value) : recordLength(value);
    case 'undefined':
    case 'bigint':
    case 'symbol':
    case 'function':
      throw new TypeError(`JSON has no ${typeof value}.`);
  }
}

function numberLength(value: number): number {
  if (Number.isInteger(value) && value >= 0 && value < 1000) return value < 10 ? 1 : value < 100 ? 2 : 3;
  return Number.isFinite(value) ? String(value).length : 'null'.length;
}

const SPACE = 0x20;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const DELETE = 0x7f;
/** \b \t \n \f \r have escapes of two characters. */
const SHORT_ESCAPES: ReadonlySet<number> = new Set([8, 9, 10, 12, 13]);

function textLength(text: string): number {
  let length = text.length + 2;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === QUOTE || code === BACKSLASH) length += 1;
    else if (code > DELETE) length += '\\uffff'.length - 1;
    else if (code < SPACE) length += SHORT_ESCAPES.has(code) ? 1 : '\\uffff'.length - 1;
  }
  return length;
}

function listLength(list: readonly unknown[]): number {
  const known = list.length > SHORT_LIST ? lengths.get(list) : undefined;
  if (known !== undefined) return known;
  // Brackets, and a comma after each but the last.
  let length = 1 + Math.max(1, list.length);
  for (const item of list) length += item === undefined ? 'null'.length : jsonLength(item);
  if (list.length > SHORT_LIST) lengths.set(list, length);
  return length;
}

function recordLength(record: object): number {
  let length = 1;
  let entries = 0;
  for (const key in record) {
    const value = (record as Readonly<Record<string, unknown>>)[key];
    if (value === undefined) continue;
    // The key in quotes, a colon, the value, and a comma or the last brace.
    length += textLength(key) + 2 + jsonLength(value);
    entries += 1;
  }
  return entries === 0 ? 2 : length;
}
