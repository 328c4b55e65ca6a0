// Numbers as the lab writes them: few digits, units beside them, the same width from one reading to the next.

/** 0.934 → "93.4%" */
export const percent = (fraction: number): string => `${(fraction * 100).toFixed(1)}%`;

/** Three digits that matter, never more than six characters. */
export function loss(value: number): string {
  if (!Number.isFinite(value)) return 'not finite';
  if (value >= 100) return value.toFixed(0);
  return value >= 10 ? value.toFixed(2) : value.toFixed(3);
}

/** A span of time: "43 ms", "1.8 s", "2 min". */
export function span(ms: number): string {
  if (ms < 1000) return `${Math.max(0, Math.round(ms))} ms`;
  if (ms < 10_000) return `${(ms / 1000).toFixed(1).replace('.0', '')} s`;
  if (ms < 120_000) return `${Math.round(ms / 1000)} s`;
  if (ms < 7_200_000) return `${Math.round(ms / 60_000)} min`;
  if (ms < 172_800_000) return `${Math.round(ms / 3_600_000)} h`;
  return `${Math.round(ms / 86_400_000)} days`;
}

/** A span that is read while it grows: no fractions to flicker. */
export const seconds = (ms: number): string => span(ms < 1000 ? ms : Math.floor(ms / 1000) * 1000);

export function bytes(count: number): string {
  if (count < 1024) return `${count} B`;
  if (count < 1024 * 1024) return `${(count / 1024).toFixed(count < 10_240 ? 1 : 0)} KiB`;
  if (count < 1024 * 1024 * 1024) return `${(count / 1024 / 1024).toFixed(1)} MiB`;
  return `${(count / 1024 / 1024 / 1024).toFixed(1)} GiB`;
}

/** The local time of day, to the tenth of a second. */
export function timeOfDay(at: number): string {
  const date = new Date(at);
  const two = (value: number): string => String(value).padStart(2, '0');
  const tenth = Math.floor(date.getMilliseconds() / 100);
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${tenth}`;
}

/** The first four hex digits of an id: enough to tell the members of a room apart. */
export const shortId = (id: string): string => id.slice(0, 4);

/** The first eight hex digits of a state's hash. */
export const shortHash = (hash: string): string => hash.slice(0, 8);
