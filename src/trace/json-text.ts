// Where a text stops being JSON, by line and column: what JSON.parse says about that differs from engine to engine.

export interface JsonFlaw {
  /** Characters before the flaw. */
  readonly offset: number;
  readonly line: number;
  readonly column: number;
  readonly expected: string;
  readonly found: string;
}

/** Deeper than any schedule; keeps hostile text from exhausting the stack. */
const MAX_DEPTH = 64;
const SPACE = /[ \t\n\r]*/y;
const ESCAPE = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const WORD = /true|false|null/y;

/** The first flaw of a text that is not JSON; undefined for one that is. */
export function findJsonFlaw(text: string): JsonFlaw | undefined {
  let at = 0;
  let expected = '';
  const skip = (pattern: RegExp): boolean => {
    pattern.lastIndex = at;
    const match = pattern.exec(text);
    if (match === null) return false;
    at += match[0].length;
    return true;
  };
  const fail = (what: string): boolean => {
    expected = what;
    return false;
  };
  const take = (char: string): boolean => {
    skip(SPACE);
    if (text[at] !== char) return false;
    at++;
    return true;
  };
  /** Without a regular expression: one that runs over a long string can exhaust the engine's stack. */
  const string = (what: string): boolean => {
    if (!take('"')) return fail(what);
    while (at < text.length && text[at] !== '"') {
      if (text[at] === '\\') {
        if (!skip(ESCAPE)) return fail('a valid escape');
      } else if (text.charCodeAt(at) < 0x20) {
        return fail('no line break or control character in a string');
      } else {
        at++;
      }
    }
    return take('"') || fail("the string's closing quote");
  };
  const members = (close: string, member: () => boolean): boolean => {
    if (take(close)) return true;
    do {
      if (!member()) return false;
    } while (take(','));
    return take(close) || fail(`"," or "${close}"`);
  };
  const value = (depth: number): boolean => {
    if (depth > MAX_DEPTH) return fail(`at most ${MAX_DEPTH} levels`);
    if (take('{')) {
      return members(
        '}',
        () => string('a key in double quotes') && (take(':') || fail('":"')) && value(depth + 1),
      );
    }
    if (take('[')) return members(']', () => value(depth + 1));
    return text[at] === '"' ? string('') : skip(NUMBER) || skip(WORD) || fail('a value');
  };

  const whole = value(0);
  skip(SPACE);
  if (whole && at === text.length) return undefined;
  if (whole) expected = 'the end';
  const before = text.slice(0, at).split('\n');
  return {
    offset: at,
    line: before.length,
    column: (before.at(-1) ?? '').length + 1,
    expected,
    found: at < text.length ? JSON.stringify(text.slice(at, at + 12)) : 'the end of the text',
  };
}
