// What a rank's page shows when it is opened alone: a few lines of text.

import type { RankHandle, RankStatus } from './api.ts';
import { messageOf } from './message-of.ts';

const REFRESH_MS = 500;

export function showAlone(rank: RankHandle): void {
  const refresh = (): void => {
    rank.status().then(
      (status) => {
        showText(describe(status));
      },
      (error: unknown) => {
        showText(messageOf(error));
      },
    );
  };
  refresh();
  setInterval(refresh, REFRESH_MS);
}

export function showText(text: string): void {
  const place = document.querySelector('output');
  if (place !== null) place.textContent = text;
}

function describe(status: RankStatus): string {
  const { member, phase, step, job, members, engine, problem } = status;
  const lines = [
    `Rank ${member.slice(0, 4)} in room ${status.room}: ${phase}`,
    `Step ${step} of ${job.steps}, ${members.length} ${members.length === 1 ? 'member' : 'members'}`,
    engine === undefined ? 'No engine yet' : `${engine.kind}: ${engine.adapter}`,
    problem ?? '',
  ];
  return lines.filter((line) => line !== '').join('\n');
}
