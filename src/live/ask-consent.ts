// Whether a fault may really use this machine up. The window around the rank's page asks whoever sits there; a page that is alone asks itself.

import type { Exhausted } from '../faults/consent.ts';
import type { MemberId } from '../ports/ids.ts';
import type { RankAsks } from './api.ts';

/** Who has not answered by then has not agreed, in milliseconds. */
const ANSWER_MS = 60_000;

const QUESTIONS: Readonly<Record<Exhausted, string>> = {
  'gpu-memory':
    'A fault asks to use up this machine’s GPU memory, up to 1 GiB for a minute at most. Allow it?',
  memory: 'A fault asks to take memory of this machine, up to 1 GiB for a minute at most. Allow it?',
  storage: 'A fault asks to fill the storage of this site, up to 1 GiB for a minute at most. Allow it?',
  cpu: 'A fault asks to keep a thread of this page busy, for a minute at most. Allow it?',
};

export function askConsent(member: MemberId, what: Exhausted): Promise<boolean> {
  return window.parent === window ? askHere(QUESTIONS[what]) : askAround(member, what);
}

function askAround(member: MemberId, what: Exhausted): Promise<boolean> {
  const { port1, port2 } = new MessageChannel();
  const message: RankAsks = { type: 'rankfall:asks', member, what };
  window.parent.postMessage(message, location.origin, [port2]);
  return new Promise((resolve) => {
    const late = setTimeout(() => {
      resolve(false);
    }, ANSWER_MS);
    port1.onmessage = ({ data }: MessageEvent<unknown>) => {
      clearTimeout(late);
      port1.close();
      resolve(data === true);
    };
  });
}

function askHere(question: string): Promise<boolean> {
  const dialog = document.createElement('dialog');
  const text = document.createElement('p');
  text.textContent = question;
  const form = document.createElement('form');
  form.method = 'dialog';
  for (const [value, label] of [
    ['yes', 'Allow it'],
    ['no', 'Cancel'],
  ] as const) {
    const button = document.createElement('button');
    button.value = value;
    button.textContent = label;
    form.append(button);
  }
  dialog.append(text, form);
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener('close', () => {
      dialog.remove();
      resolve(dialog.returnValue === 'yes');
    });
  });
}
