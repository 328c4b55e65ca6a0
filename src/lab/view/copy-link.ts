// Puts a link on the clipboard, or, where that is closed to the page, shows it to be copied by hand.

import type { Lab } from '../model/lab.ts';
import { words } from '../words.ts';

export async function copyLink(lab: Lab, link: string, said: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(link);
    lab.say(said);
  } catch {
    lab.complain(() => words.header.copyByHand(link));
  }
}
