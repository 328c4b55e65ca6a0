// The room as a ring: its ranks in ring order, and in the middle how far the run has come.

import type { JSX } from 'preact';
import type { Lab } from '../model/lab.ts';
import type { RankView, RoomView } from '../model/room-view.ts';
import { shortId } from '../format.ts';
import { words } from '../words.ts';
import { rankStyle } from './RankName.tsx';

const RADIUS = 122;
const PROGRESS_RADIUS = 88;
const PROGRESS_LENGTH = 2 * Math.PI * PROGRESS_RADIUS;

export function Ring({ lab }: { readonly lab: Lab }): JSX.Element {
  const room = lab.room.value;
  const { state, step, job, members, ranks } = room;
  return (
    <section class="panel ring" aria-label={words.ring.title}>
      <div class="ring-stage">
        <svg
          class="ring-drawing"
          viewBox="-160 -160 320 320"
          data-state={state}
          role="img"
          aria-label={words.ring.describe(words.roomStates[state], step, job.steps, members)}
        >
          <circle class="ring-progress-track" r={PROGRESS_RADIUS} />
          <circle
            class="ring-progress"
            r={PROGRESS_RADIUS}
            stroke-dasharray={PROGRESS_LENGTH}
            stroke-dashoffset={PROGRESS_LENGTH * (1 - Math.min(1, step / job.steps))}
            transform="rotate(-90)"
          />
          <circle class="ring-line" r={RADIUS} />
          <circle class="ring-flow" r={RADIUS} />
          {ranks.map((rank, i) => (
            <Node key={rank.member} rank={rank} angle={(i / ranks.length) * 360} crowd={ranks.length} />
          ))}
        </svg>
        <Centre lab={lab} room={room} />
      </div>
    </section>
  );
}

function Centre({ lab, room }: { readonly lab: Lab; readonly room: RoomView }): JSX.Element {
  const { state, step, job, resumedFromStep } = room;
  const rate = lab.rate.value;
  return (
    <p class="ring-centre" aria-hidden="true">
      <span class="ring-step">{step}</span>
      <span class="muted">{words.ring.of(job.steps)}</span>
      <span class="ring-note">
        {state === 'training' && rate > 0
          ? words.ring.rate(rate)
          : state !== 'done' && resumedFromStep !== undefined
            ? words.ring.resumed(resumedFromStep)
            : words.roomStates[state]}
      </span>
    </p>
  );
}

function Node(props: {
  readonly rank: RankView;
  readonly angle: number;
  readonly crowd: number;
}): JSX.Element {
  const { rank, angle, crowd } = props;
  const size = crowd <= 6 ? 24 : crowd <= 10 ? 19 : 15;
  return (
    <g
      class="ring-node"
      data-activity={rank.activity}
      data-member={rank.rank !== undefined}
      data-suspected={rank.suspected}
      style={{
        ...rankStyle(rank.slot),
        transform: `rotate(${angle}deg) translateY(${-RADIUS}px) rotate(${-angle}deg)`,
      }}
    >
      <circle class="ring-node-halo" r={size + 5} />
      <circle class="ring-node-disc" r={size} />
      <text dy="0.35em">{rank.activity === 'gone' ? '×' : (rank.rank ?? '+')}</text>
      <title>{shortId(rank.member)}</title>
    </g>
  );
}
