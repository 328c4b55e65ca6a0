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
}

const HOUR_MS = 3_600_000;
/** Traffic is remembered by the minute. */
const MINUTE_MS = 60_000;

export function hourOfTraffic(): HourOfTraffic {
  let minutes: { readonly minute: number; readonly bytes: number }[] = [];
  let counted = 0;
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
    },
    opened() {
      counted = 0;
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
  };
}
