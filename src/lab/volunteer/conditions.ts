// What the browser tells a page of the machine's power and network. Not every browser does, and the page says so.

import { signal } from '@preact/signals';
import type { ReadonlySignal } from '@preact/signals';

/** `unknown`: this browser does not tell pages. */
export type Power = 'mains' | 'battery' | 'unknown';
/** `free`: nothing says that bytes are counted. Most browsers tell no more than whether they were asked to save data. */
export type Metering = 'metered' | 'free' | 'unknown';

export interface Conditions {
  readonly power: ReadonlySignal<Power>;
  readonly metering: ReadonlySignal<Metering>;
}

/** Battery Status API, where there is one (not in Firefox and Safari). */
interface BatteryManager extends EventTarget {
  readonly charging: boolean;
}

/** Network Information API, where there is one (not in Firefox and Safari); `type` on few systems only. */
interface NetworkInformation extends EventTarget {
  readonly saveData?: boolean;
  readonly type?: string;
}

interface TellingNavigator {
  readonly getBattery?: () => Promise<BatteryManager>;
  readonly connection?: NetworkInformation;
}

export function watchConditions(browser: TellingNavigator = navigator as TellingNavigator): Conditions {
  const power = signal<Power>('unknown');
  const metering = signal<Metering>('unknown');

  browser
    .getBattery?.()
    .then((battery) => {
      const look = (): void => {
        power.value = battery.charging ? 'mains' : 'battery';
      };
      battery.addEventListener('chargingchange', look);
      look();
    })
    // A permission policy can forbid it: then it stays unknown.
    .catch(() => undefined);

  const { connection } = browser;
  if (connection !== undefined) {
    const look = (): void => {
      metering.value = connection.saveData === true || connection.type === 'cellular' ? 'metered' : 'free';
    };
    connection.addEventListener('change', look);
    look();
  }
  return { power, metering };
}
