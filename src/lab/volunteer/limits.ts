// What a volunteer allows: set once, kept in the browser, and read from there as untrusted as any other text.

import * as v from 'valibot';

export const MIB = 1024 * 1024;

const HOURLY_BYTES = [50 * MIB, 200 * MIB, 1024 * MIB, 5120 * MIB] as const;

/** What can be chosen. Undefined in a list: no limit. */
export const CHOICES = {
  share: [25, 50, 75, 100],
  hourlyBytes: [...HOURLY_BYTES, undefined],
  memoryBytes: [256 * MIB, 1024 * MIB, 4096 * MIB],
} as const;

const LimitsSchema = v.object({
  /** Percent of the time in which the engine may work. */
  share: v.picklist(CHOICES.share),
  /** Whether it may work on the GPU. */
  useGpu: v.boolean(),
  /** Of its buffers; what the browser needs beside them is not known to a page. */
  memoryBytes: v.picklist(CHOICES.memoryBytes),
  /** Sent and received, in any hour. */
  hourlyBytes: v.exactOptional(v.picklist(HOURLY_BYTES)),
  /** Local time of day, HH:MM, at which it ends; absent: when the volunteer says so. */
  until: v.exactOptional(v.pipe(v.string(), v.regex(/^([01]\d|2[0-3]):[0-5]\d$/))),
  pauseOnBattery: v.boolean(),
  pauseOnMetered: v.boolean(),
});

export type Limits = Readonly<v.InferOutput<typeof LimitsSchema>>;

export const USUAL_LIMITS: Limits = {
  share: 50,
  useGpu: true,
  memoryBytes: 1024 * MIB,
  // About an hour of video. In a room on a fast network it lasts for minutes, which the page says.
  hourlyBytes: 1024 * MIB,
  pauseOnBattery: true,
  pauseOnMetered: true,
};

const KEY = 'rankfall.volunteer';

export function keptLimits(): Limits {
  try {
    return v.parse(v.pipe(v.string(), v.parseJson(), LimitsSchema), localStorage.getItem(KEY));
  } catch {
    // Nothing is kept, or nothing that can be used.
    return USUAL_LIMITS;
  }
}

export function keepLimits(limits: Limits): void {
  try {
    localStorage.setItem(KEY, JSON.stringify(limits));
  } catch {
    // Storage may be refused; they then last as long as the page.
  }
}

/** The next moment at which it is that time of day, in milliseconds since the epoch. */
export function nextTime(until: string, now: number): number {
  const [hours = 0, minutes = 0] = until.split(':').map(Number);
  const date = new Date(now);
  date.setHours(hours, minutes, 0, 0);
  // One day on, by the calendar: days with a change of clocks have other lengths.
  if (date.getTime() <= now) date.setDate(date.getDate() + 1);
  return date.getTime();
}
