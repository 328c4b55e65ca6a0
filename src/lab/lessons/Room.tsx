// A lesson's live room: its ring, and its ranks with the buttons that the lesson gives the reader.

import type { JSX } from 'preact';
import { Icon } from '../view/icons.tsx';
import { Ring } from '../view/Ring.tsx';
import { rankStyle } from '../view/RankName.tsx';
import { words } from '../words.ts';
import type { Hand } from './lesson.ts';
import { lessonWords } from './lesson-words.ts';
import type { LiveRoom } from './live-run.ts';

interface Props {
  readonly room: LiveRoom;
  readonly hands: readonly Hand[];
}

export function Room({ room, hands }: Props): JSX.Element {
  const { lab } = room;
  const { ranks, running } = lab.room.value;
  return (
    <div class="lesson-room">
      <Ring lab={lab} canBreak={false} />
      <div class="lesson-ranks">
        <ul aria-label={lessonWords.run.ranks}>
          {ranks.map(({ member, rank, slot, activity, step, local }) => {
            const name = rank === undefined ? lessonWords.run.joining : lessonWords.run.rank(rank);
            return (
              <li key={member} data-activity={activity} style={rankStyle(slot)}>
                <span class="rank-dot" aria-hidden="true">
                  {activity === 'gone' ? '×' : (rank ?? '+')}
                </span>
                <span class="lesson-rank-state">
                  {words.activities[activity]} <span class="muted numeric">{step}</span>
                </span>
                {local &&
                  activity !== 'gone' &&
                  hands.map((hand) => (
                    <button
                      key={hand}
                      type="button"
                      class="button small danger"
                      disabled={!running}
                      aria-label={lessonWords.run.handOf(lessonWords.run.hands[hand], name)}
                      onClick={() => {
                        room.strike(hand, member);
                      }}
                    >
                      {lessonWords.run.hands[hand]}
                    </button>
                  ))}
              </li>
            );
          })}
        </ul>
        {hands.length > 0 && (
          <button
            type="button"
            class="button small"
            disabled={!running || lab.opening.value > 0}
            onClick={() => void lab.addRank().catch(() => undefined)}
          >
            <Icon name="plus" />
            {lessonWords.run.openAnother}
          </button>
        )}
        {lab.problems.value.map(({ id, said }) => (
          <p key={id} class="lesson-problem" role="alert">
            {said()}
          </p>
        ))}
      </div>
    </div>
  );
}
