// Numbers as the lab writes them: few digits, units beside them, the same width from one reading to the next.

import { language } from './language/language.ts';
import type { Language } from './language/language.ts';

export { shortId } from '../trace/short-names.ts';

/** Making one costs more than using it a thousand times. */
function perLanguage<Format>(make: (language: Language) => Format): () => Format {
  const made = new Map<Language, Format>();
  return () => {
    const format = made.get(language.value) ?? make(language.value);
    made.set(language.value, format);
    return format;
  };
}

/** 0.934 → "93.4%" */
export const percent = (fraction: number): string => `${(fraction * 100).toFixed(1)}%`;

/** Of what goes on: 0.934 → "93%" */
export const wholePercent = (fraction: number): string => `${Math.round(fraction * 100)}%`;

/** Of a chance, which may be small: 0.0001 → "0.01%" */
export const smallPercent = (fraction: number): string =>
  fraction < 0.001 ? `${(fraction * 100).toFixed(2)}%` : percent(fraction);

/** The one word among the numbers. */
const NOT_FINITE: Readonly<Record<Language, string>> = { en: 'not finite', 'zh-Hans': '非有限值' };

/** Three digits that matter, never more than six characters. */
export function loss(value: number): string {
  if (!Number.isFinite(value)) return NOT_FINITE[language.value];
  if (value >= 100) return value.toFixed(0);
  return value >= 10 ? value.toFixed(2) : value.toFixed(3);
}

const counting = perLanguage((of) => new Intl.NumberFormat(of, { maximumFractionDigits: 0 }));

/** A count of things: 12345 → "12,345" */
export const count = (value: number): string => counting().format(value);

/** Of spans, each of which is two at least where the English word has a plural. */
const UNITS = {
  en: { ms: 'ms', s: 's', min: 'min', h: 'h', d: 'days' },
  'zh-Hans': { ms: '毫秒', s: '秒', min: '分钟', h: '小时', d: '天' },
} as const satisfies Readonly<Record<Language, object>>;

/** A span of time: "43 ms", "1.8 s", "2 min". */
export function span(ms: number): string {
  const unit = UNITS[language.value];
  if (ms < 1000) return `${Math.max(0, Math.round(ms))} ${unit.ms}`;
  if (ms < 10_000) return `${(ms / 1000).toFixed(1).replace('.0', '')} ${unit.s}`;
  if (ms < 120_000) return `${Math.round(ms / 1000)} ${unit.s}`;
  if (ms < 7_200_000) return `${Math.round(ms / 60_000)} ${unit.min}`;
  if (ms < 172_800_000) return `${Math.round(ms / 3_600_000)} ${unit.h}`;
  return `${count(Math.round(ms / 86_400_000))} ${unit.d}`;
}

/** A span that is read while it grows: no fractions to flicker. */
export const seconds = (ms: number): string => span(ms < 1000 ? ms : Math.floor(ms / 1000) * 1000);

export function bytes(amount: number): string {
  if (amount < 1024) return `${amount} B`;
  if (amount < 1024 * 1024) return `${(amount / 1024).toFixed(amount < 10_240 ? 1 : 0)} KiB`;
  if (amount < 1024 * 1024 * 1024) return `${(amount / 1024 / 1024).toFixed(1)} MiB`;
  return `${(amount / 1024 / 1024 / 1024).toFixed(1)} GiB`;
}

/** The local time of day, to the tenth of a second. */
export const timeOfDay = (at: number): string => clock().format(at);

const clock = perLanguage(
  (of) =>
    new Intl.DateTimeFormat(of, {
      hour: '2-digit',
      minute: '2-digit',
      second: '2-digit',
      fractionalSecondDigits: 1,
      hourCycle: 'h23',
    }),
);

/** The local date and time of day, to the second. */
export const dateAndTime = (at: number): string => date().format(at);

const date = perLanguage((of) => new Intl.DateTimeFormat(of, { dateStyle: 'medium', timeStyle: 'medium' }));

/** The local time of day, to the minute. */
export const clockTime = (at: number): string => hoursAndMinutes().format(at);

const hoursAndMinutes = perLanguage(
  (of) => new Intl.DateTimeFormat(of, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }),
);

/** The first eight hex digits of a state's hash. */
export const shortHash = (hash: string): string => hash.slice(0, 8);
