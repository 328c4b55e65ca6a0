// Traffic of the last hour against a cap. Pure: time comes with each call.

export interface HourOfTraffic {
  /** The rank's links have moved so many bytes since it was opened. */
  note(total: number, now: number): void;
  /** A rank that begins to count from nothing. */
  opened(): void;
  /** Bytes of the last hour. */
  read(now: number): number;
  /** When the last hour's traffic is below `cap` again, if nothing is added. */
  freeAt(cap: number, now: number): number;
  /** Bytes in a second, as of late; undefined while there is too little to tell from. */
  pace(now: number): number | undefined;
}

const HOUR_MS = 3_600_000;
/** Traffic is remembered by the minute. */
const MINUTE_MS = 60_000;
/** A pace is taken over so long: steps, and what heals a newcomer, come in bursts. */
const PACE_MS = 15_000;
/** Nor over less. */
const LEAST_PACE_MS = 5000;

export function hourOfTraffic(): HourOfTraffic {
  let minutes: { readonly minute: number; readonly bytes: number }[] = [];
  let counted = 0;
  let lately: { readonly at: number; readonly bytes: number }[] = [];
  const forget = (now: number): void => {
    minutes = minutes.filter(({ minute }) => (minute + 1) * MINUTE_MS > now - HOUR_MS);
  };
  const sum = (): number => minutes.reduce((total, { bytes }) => total + bytes, 0);
  return {
    note(total, now) {
      const bytes = Math.max(0, total - counted);
      counted = total;
      const minute = Math.floor(now / MINUTE_MS);
      const last = minutes.at(-1);
      if (last?.minute === minute) minutes[minutes.length - 1] = { minute, bytes: last.bytes + bytes };
      else minutes.push({ minute, bytes });
      forget(now);
      lately = [...lately.filter(({ at }) => at >= now - PACE_MS), { at: now, bytes }];
    },
    opened() {
      counted = 0;
      lately = [];
    },
    read(now) {
      forget(now);
      return sum();
    },
    freeAt(cap, now) {
      forget(now);
      let left = sum();
      for (const { minute, bytes } of minutes) {
        if (left < cap) return now;
        left -= bytes;
        if (left < cap) return Math.max(now, (minute + 1) * MINUTE_MS + HOUR_MS);
      }
      return now;
    },
    pace(now) {
      const seen = lately.filter(({ at }) => at >= now - PACE_MS);
      const [first, ...later] = seen;
      const last = later.at(-1);
      if (first === undefined || last === undefined || last.at - first.at < LEAST_PACE_MS) return undefined;
      // What the first told was moved before it.
      const moved = later.reduce((total, { bytes }) => total + bytes, 0);
      return (moved * 1000) / (last.at - first.at);
    },
  };
}

/** For how long what is left of `cap` lasts at that pace, in milliseconds; undefined: for ever, as the hour has room for all of it. */
export function lastsMs(cap: number, used: number, pace: number): number | undefined {
  if (pace * (HOUR_MS / 1000) <= cap) return undefined;
  return (Math.max(0, cap - used) * 1000) / pace;
}
