// A sentence in which ranks stay ranks, so that the page can show them in their colours.

import { settingsOf } from '../faults/setting-words.ts';
import type { SettingWords } from '../faults/setting-words.ts';
import type { MemberId } from '../ports/ids.ts';
import { shortId } from './format.ts';

/** A piece of a sentence: text, or a rank, which the page shows in its colour. */
export type Part = string | { readonly member: MemberId };
export type Sentence = readonly Part[];

/** `text${…}text` in which members stay members. */
export function say(
  texts: TemplateStringsArray,
  ...values: readonly (string | number | Part | Sentence)[]
): Sentence {
  const parts: Part[] = [];
  texts.forEach((text, i) => {
    if (text !== '') parts.push(text);
    const value = values[i];
    if (value === undefined) return;
    if (typeof value === 'number') parts.push(String(value));
    else if (Array.isArray(value)) parts.push(...(value as Sentence));
    else parts.push(value as Part);
  });
  return parts;
}

export const who = (member: MemberId): Part => ({ member });

/** With `between` them; languages differ in their commas. */
export function list(members: readonly MemberId[], between = ', '): Sentence {
  return members.flatMap((member, i): Sentence => (i === 0 ? [who(member)] : [between, who(member)]));
}

/** Pairs, with `and` within and `between` between them. */
export const listPairs = (
  pairs: readonly (readonly [MemberId, MemberId])[],
  and: string,
  between = ', ',
): Sentence =>
  pairs.flatMap(([one, other], i): Sentence => [...(i === 0 ? [] : [between]), who(one), and, who(other)]);

/** The sentence as text, for comparison and for readers of the screen. */
export const plainText = (sentence: Sentence): string =>
  sentence.map((part) => (typeof part === 'string' ? part : shortId(part.member))).join('');

/** An entry of a table that a name from elsewhere may not have. */
export const lookUp = <T>(table: Readonly<Record<string, T>>, name: string): T | undefined =>
  Object.hasOwn(table, name) ? table[name] : undefined;

/** What a fault does or did, as its detail tells: of `fault-1: {"kind":"delay","ms":200}` the settings. Its kind is told beside it. */
export function faultText(detail: string, settings: SettingWords): readonly string[] {
  const told = detail.replace(/^fault-\d+: /u, '');
  if (!told.startsWith('{')) return told === '' ? [] : [told];
  try {
    const fault = JSON.parse(told) as object | null;
    return settingsOf(fault ?? {}, settings);
  } catch {
    return [told];
  }
}
