// Text of a stranger's file as a terminal may show it. Names, keys and sentences of such a file come back in reports and refusals.

/** One line: what would steer a terminal is shown as its code. */
export const printable = (line: string): string =>
  line.replace(/\p{C}/gu, (char) => `\\u{${(char.codePointAt(0) ?? 0).toString(16)}}`);
