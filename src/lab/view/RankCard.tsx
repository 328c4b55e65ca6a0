// One rank: what it does, on what, how far, whether its state is the others' state, and the buttons that break it.

import type { JSX } from 'preact';
import type { Lab } from '../model/lab.ts';
import type { RankView } from '../model/room-view.ts';
import { bytes, percent, seconds, shortHash, shortId } from '../format.ts';
import { toldWords } from '../told-words.ts';
import { words } from '../words.ts';
import { Icon } from './icons.tsx';
import { rankStyle } from './RankName.tsx';
import { showPalette } from './show-palette.ts';

interface Props {
  readonly lab: Lab;
  readonly rank: RankView;
  /** Micro-batches of a step, over all ranks. */
  readonly microBatches: number;
}

/** Silence below this is the ordinary time between two heartbeats. */
const QUIET_MS = 600;

export const RankCard = ({ lab, rank, microBatches }: Props): JSX.Element => (
  <li class="card" data-activity={rank.activity} data-rank={rank.member} style={rankStyle(rank.slot)}>
    <div class="card-head">
      <span class="rank-dot large" aria-hidden="true">
        {rank.activity === 'gone' ? '×' : (rank.rank ?? '+')}
      </span>
      <h3>
        {titleOf(rank)}{' '}
        <span class="mono muted" title={words.ranks.member(rank.member)}>
          {shortId(rank.member)}
        </span>
      </h3>
      {rank.hidden && (
        <span class="chip" title={words.ranks.hiddenMeans}>
          {words.ranks.hidden}
        </span>
      )}
      <span class="activity" data-activity={rank.suspected ? 'suspected' : rank.activity}>
        {rank.suspected && rank.activity !== 'gone' ? words.ranks.suspected : words.activities[rank.activity]}
      </span>
    </div>
    <dl class="facts">
      <dt>{words.ranks.step}</dt>
      <dd class="numeric card-step">
        {rank.step}
        {rank.local && <Share mine={rank.microBatches ?? []} all={microBatches} />}
      </dd>
      {rank.local ? (
        <>
          <dt>{words.ranks.state}</dt>
          <dd>
            <State rank={rank} />
          </dd>
        </>
      ) : (
        rank.departure === undefined && (
          <>
            <dt>{words.ranks.heard}</dt>
            <dd class="numeric">{heard(rank)}</dd>
          </>
        )
      )}
      {rank.carried.length > 0 && (
        <>
          <dt>{words.ranks.links}</dt>
          <dd>{words.ranks.carried(rank.carried)}</dd>
        </>
      )}
      {rank.refusals.length > 0 && (
        <>
          <dt>{words.ranks.refusals}</dt>
          <dd title={words.ranks.refusalsMean}>{words.ranks.refused(rank.refusals)}</dd>
        </>
      )}
      {rank.local && (
        <>
          <dt>{words.ranks.sent}</dt>
          <Sent rank={rank} />
        </>
      )}
      {/* Last, since what it says is one line long or three: what stands above keeps its place. */}
      {(rank.local || rank.engine !== undefined) && (
        <>
          <dt>{words.ranks.engine}</dt>
          <dd class="card-engine">
            <Engine rank={rank} />
          </dd>
        </>
      )}
    </dl>
    {rank.local ? <Buttons lab={lab} rank={rank} /> : <p class="card-foot muted">{foot(rank)}</p>}
  </li>
);

function titleOf({ rank, departure, activity, step }: RankView): string {
  if (rank !== undefined) return words.ranks.rank(rank);
  if (departure !== undefined) return words.ranks.former;
  return activity === 'starting' || activity === 'joining' || step === 0
    ? words.ranks.newcomer
    : words.ranks.cutOff;
}

function heard(rank: RankView): string {
  if (rank.silentMs < QUIET_MS) return words.ranks.heardNow;
  return words.ranks.heardAgo(seconds(rank.silentMs));
}

/** What was saved is no part of the line: it would make two of it, and all below would move. */
function Sent({ rank: { sent } }: { readonly rank: RankView }): JSX.Element {
  if (sent === undefined || sent.bytes === 0) return <dd class="numeric">–</dd>;
  const saved = sent.saved / (sent.bytes + sent.saved);
  return (
    <dd class="numeric" title={words.ranks.sentMeans(percent(saved))}>
      {bytes(sent.bytes)}
    </dd>
  );
}

function foot(rank: RankView): string {
  const { departure } = rank;
  return departure === undefined ? words.ranks.elsewhere : words.ranks[departure.how](seconds(rank.silentMs));
}

function Engine({ rank }: { readonly rank: RankView }): JSX.Element {
  const { engine, preflight } = rank;
  if (engine === undefined) {
    return <span class="muted">{words.ranks.engineUnknown}</span>;
  }
  return (
    <span class="engine" title={toldWords.told(engine.reason)}>
      <b>{engine.kind === 'webgpu' ? 'WebGPU' : 'CPU'}</b> {toldWords.adapter(engine.adapter)}
      <span class="muted engine-reason">{toldWords.told(engine.reason)}</span>
      {preflight !== undefined && (
        <span class="muted engine-reason" title={words.ranks.preflightMeans(bytes(preflight.bufferLimit))}>
          {words.ranks.preflight(bytes(preflight.bytes), preflight.largestMicroBatch)}
        </span>
      )}
    </span>
  );
}

/** The hash of its state, and whether the others of this tab hold the same: all of them at one step, so that they compare. */
function State({ rank }: { readonly rank: RankView }): JSX.Element {
  const { agreement, incoming } = rank;
  const hash = agreement?.hash ?? rank.hash;
  return (
    <>
      <span class="mono">{hash === undefined ? '–' : shortHash(hash)}</span>
      {incoming !== undefined && (
        <span class="muted numeric">{words.ranks.pieces(incoming.pieces, incoming.of)}</span>
      )}
      {agreement?.kind === 'agrees' && (
        <span class="agreement good" title={words.ranks.agreesMeans(agreement.step)}>
          <Icon name="check" />
          {words.ranks.agrees(agreement.ranks)}
        </span>
      )}
      {agreement?.kind === 'differs' && (
        <span class="agreement bad">
          <Icon name="alert" />
          {words.ranks.differs(agreement.step)}
        </span>
      )}
    </>
  );
}

/** The step's micro-batches as cells, this rank's filled. */
const Share = ({ mine, all }: { readonly mine: readonly number[]; readonly all: number }): JSX.Element => (
  <span class="share" role="img" aria-label={words.ranks.batchesMeans(mine.length, all)}>
    {Array.from({ length: all }, (_, i) => (
      <i key={i} data-mine={mine.includes(i)} />
    ))}
  </span>
);

function Buttons({ lab, rank }: { readonly lab: Lab; readonly rank: RankView }): JSX.Element {
  const name = shortId(rank.member);
  return (
    <div class="card-foot card-buttons">
      <button
        type="button"
        class="button small danger"
        title={words.ranks.killMeans}
        aria-label={`${words.ranks.kill} ${name}`}
        onClick={() => {
          lab.removeRank(rank.member, false);
        }}
      >
        {words.ranks.kill}
      </button>
      <button
        type="button"
        class="button small"
        title={words.ranks.closeMeans}
        aria-label={`${words.ranks.close} ${name}`}
        onClick={() => {
          lab.removeRank(rank.member, true);
        }}
      >
        {words.ranks.close}
      </button>
      <button
        type="button"
        class="button small ghost"
        title={words.ranks.moreMeans}
        aria-label={`${words.ranks.more}: ${name}`}
        onClick={() => {
          showPalette(lab, rank.member);
        }}
      >
        {words.ranks.more}
      </button>
      {rank.faults.length > 0 && (
        <span class="chip warn">
          <Icon name="spark" />
          {rank.faults.length}
        </span>
      )}
    </div>
  );
}
