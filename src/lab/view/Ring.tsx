// The room as a ring: its ranks in ring order, and in the middle how far the run has come.

import type { JSX } from 'preact';
import type { Lab } from '../model/lab.ts';
import type { PairApart, RankView, RoomView } from '../model/room-view.ts';
import { shortId } from '../format.ts';
import { words } from '../words.ts';
import { rankStyle } from './RankName.tsx';
import { showPalette } from './show-palette.ts';

const RADIUS = 122;
const PROGRESS_RADIUS = 88;
/** Lines between members that are apart bend outward, past the words in the middle. */
const BEND_RADIUS = 150;
/** Of pairs that are apart, so many are put into words. */
const MAX_SENTENCES = 3;
const PROGRESS_LENGTH = 2 * Math.PI * PROGRESS_RADIUS;

interface Props {
  readonly lab: Lab;
  /** Ranks and links are buttons that lead to the fault palette, where the page has one. */
  readonly canBreak?: boolean;
}

export function Ring({ lab, canBreak = true }: Props): JSX.Element {
  const room = lab.room.value;
  const { state, step, job, members, ranks, witness, apart } = room;
  return (
    <section class="panel ring" aria-label={words.ring.title}>
      <div class="ring-in-sight">
        <div class="ring-stage">
          <svg
            class="ring-drawing"
            viewBox="-160 -160 320 320"
            data-state={state}
            role="group"
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
            <circle class="ring-flow" r={RADIUS} style={{ '--looks': Math.floor(lab.now.value / 200) % 9 }} />
            {apart.map((pair) => (
              <Apart key={pair.ranks.join()} pair={pair} crowd={ranks.length} />
            ))}
            {canBreak &&
              ranks.length > 1 &&
              ranks.map((rank, i) => (
                <Link
                  key={rank.member}
                  lab={lab}
                  from={rank}
                  to={ranks[(i + 1) % ranks.length]}
                  place={i}
                  crowd={ranks.length}
                />
              ))}
            {ranks.map((rank, i) => (
              <Node
                key={rank.member}
                lab={lab}
                rank={rank}
                angle={(i / ranks.length) * 360}
                crowd={ranks.length}
                canBreak={canBreak && rank.local && rank.activity !== 'gone'}
              />
            ))}
          </svg>
          <Centre lab={lab} room={room} />
        </div>
        {apart.length > 0 && (
          <ul class="ring-aparts">
            {apart.slice(0, MAX_SENTENCES).map(({ ranks: [one, other], carried }) => (
              <li key={`${one} ${other}`}>{words.ring.apart(one, other, carried)}</li>
            ))}
            {apart.length > MAX_SENTENCES && <li>{words.ring.moreApart(apart.length - MAX_SENTENCES)}</li>}
          </ul>
        )}
        {witness !== undefined && <Witness witness={witness} />}
        {canBreak && (
          <p class="muted ring-hint" data-shown={members > 1}>
            {words.ring.hint}
          </p>
        )}
      </div>
    </section>
  );
}

/** The voter that computes nothing, and so has no place in the ring. */
const Witness = ({ witness }: { readonly witness: NonNullable<RoomView['witness']> }): JSX.Element => (
  <p
    class="ring-witness"
    title={words.ring.witnessMeans}
    data-votes={witness.votes}
    data-reached={witness.reached}
  >
    {words.ring.witness(shortId(witness.seat), witness.votes, witness.reached)}
  </p>
);

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

/** What makes a part of the drawing a button, for pointer and keyboard. */
const button = (label: string, press: () => void) => ({
  role: 'button' as const,
  tabindex: 0,
  'aria-label': label,
  onClick: press,
  onKeyDown(event: KeyboardEvent) {
    if (event.key !== 'Enter' && event.key !== ' ') return;
    event.preventDefault();
    press();
  },
});

/** The radius of a rank's disc, by how many there are. */
const sizeIn = (crowd: number): number => (crowd <= 6 ? 24 : crowd <= 10 ? 19 : 15);

/** A dashed line with a cross, where two members have no link that works. */
function Apart({ pair, crowd }: { readonly pair: PairApart; readonly crowd: number }): JSX.Element {
  const [one, other] = pair.ranks;
  const at = (place: number, radius: number): readonly [number, number] => {
    const angle = (2 * Math.PI * place) / crowd;
    return [radius * Math.sin(angle), -radius * Math.cos(angle)];
  };
  const isNearer = other - one <= crowd / 2;
  const [from, to] = [at(one, RADIUS), at(other, RADIUS)];
  const bend = at((one + other + (isNearer ? 0 : crowd)) / 2, BEND_RADIUS);
  const [x, y] = [0, 1].map((axis) => ((from[axis] ?? 0) + 2 * (bend[axis] ?? 0) + (to[axis] ?? 0)) / 4);
  return (
    <g class="ring-apart" data-carried={pair.carried}>
      <path d={`M${from.join(' ')}Q${bend.join(' ')} ${to.join(' ')}`} />
      <path class="ring-apart-cross" d="M-5 -5L5 5M5 -5L-5 5" transform={`translate(${x ?? 0} ${y ?? 0})`} />
      <title>{words.ring.apart(one, other, pair.carried)}</title>
    </g>
  );
}

interface LinkProps {
  readonly lab: Lab;
  readonly from: RankView;
  readonly to: RankView | undefined;
  /** Of `from` in the ring. */
  readonly place: number;
  readonly crowd: number;
}

/** The stretch of the ring between two neighbours. One end must be a rank of this tab: faults act there. */
function Link({ lab, from, to, place, crowd }: LinkProps): JSX.Element | null {
  if (to === undefined || from.rank === undefined || to.rank === undefined) return null;
  // Of two ranks, both stretches are the same link.
  if (crowd === 2 && place === 1) return null;
  const [own, peer] = from.local ? [from, to] : [to, from];
  if (!own.local || own.activity === 'gone' || peer.activity === 'gone') return null;
  const turn = (2 * Math.PI) / crowd;
  const gap = (sizeIn(crowd) + 6) / RADIUS;
  const at = (angle: number): string =>
    `${(RADIUS * Math.sin(angle)).toFixed(2)} ${(-RADIUS * Math.cos(angle)).toFixed(2)}`;
  const [start, end] = [place * turn + gap, (place + 1) * turn - gap];
  const isLong = end - start > Math.PI ? 1 : 0;
  return (
    <path
      class="ring-link"
      d={`M${at(start)}A${RADIUS} ${RADIUS} 0 ${isLong} 1 ${at(end)}`}
      {...button(words.ring.breakLink(shortId(from.member), shortId(to.member)), () => {
        showPalette(lab, own.member, peer.member);
      })}
    >
      <title>{words.ring.breakLink(shortId(from.member), shortId(to.member))}</title>
    </path>
  );
}

function Node(props: {
  readonly lab: Lab;
  readonly rank: RankView;
  readonly angle: number;
  readonly crowd: number;
  readonly canBreak: boolean;
}): JSX.Element {
  const { lab, rank, angle, crowd, canBreak } = props;
  const size = sizeIn(crowd);
  const label = words.ring.breakRank(`${rank.rank ?? '+'} (${shortId(rank.member)})`);
  return (
    <g
      class="ring-node"
      {...(canBreak
        ? button(label, () => {
            showPalette(lab, rank.member);
          })
        : {})}
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
      <circle class="ring-node-ring" r={size - 4} />
      <text dy="0.35em">{rank.activity === 'gone' ? '×' : (rank.rank ?? '+')}</text>
      <title>{canBreak ? label : shortId(rank.member)}</title>
    </g>
  );
}
