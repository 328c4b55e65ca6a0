// What went wrong and what to do: one banner for each problem, and the way out where there is one.

import type { JSX } from 'preact';
import type { MemberId } from '../../ports/ids.ts';
import type { Lab } from '../model/lab.ts';
import { shortId } from '../format.ts';
import { sentences } from '../sentences.ts';
import { toldWords } from '../told-words.ts';
import { words } from '../words.ts';
import { Icon } from './icons.tsx';
import { RankDot, RankName } from './RankName.tsx';

export function Banners({ lab }: { readonly lab: Lab }): JSX.Element {
  const { state, waitingFor } = lab.room.value;
  return (
    <>
      <Stalled lab={lab} />
      <div class="banners" role="region" aria-live="polite" aria-label={words.banners.label}>
        {state === 'stuck' && <Stuck lab={lab} waitingFor={waitingFor} />}
        {saidByRanks(lab).map(({ text, members }) => (
          <div class="banner" key={text}>
            <Icon name="alert" />
            <p>
              {members.map((member) => (
                <RankDot key={member} lab={lab} member={member} />
              ))}{' '}
              {toldWords.told(text)}
            </p>
          </div>
        ))}
        {lab.problems.value.map((problem) => (
          <div class="banner" key={problem.id}>
            <Icon name="alert" />
            <p>{problem.said()}</p>
            <button
              type="button"
              class="button small ghost"
              aria-label={words.banners.dismiss}
              onClick={() => {
                lab.dismiss(problem.id);
              }}
            >
              <Icon name="cross" />
            </button>
          </div>
        ))}
      </div>
    </>
  );
}

/** Who holds the step up, for as long as it does. It comes and goes by itself, and so lies over the page instead of moving it. */
function Stalled({ lab }: { readonly lab: Lab }): JSX.Element | null {
  const { stall } = lab.room.value;
  if (stall === undefined) return null;
  return (
    // Its time changes with every look: who listens is told by the log.
    <div class="banner stalled" aria-live="off" data-stall={stall.stall.cause}>
      <Icon name="alert" />
      <p>
        {sentences
          .stallSentence(stall.stall, stall.by)
          .map((part, i) =>
            typeof part === 'string' ? part : <RankName key={i} lab={lab} member={part.member} />,
          )}
      </p>
    </div>
  );
}

const Stuck = ({
  lab,
  waitingFor,
}: {
  readonly lab: Lab;
  readonly waitingFor: readonly MemberId[];
}): JSX.Element => (
  <div class="banner strong">
    <Icon name="alert" />
    <p>
      <b>{words.banners.stuckTitle}</b>{' '}
      {waitingFor.length === 0
        ? words.banners.stuckNobody
        : words.banners.stuck(waitingFor.map(shortId).join(', '))}
    </p>
    <button
      type="button"
      class="button danger"
      disabled={lab.busy.value.has('force')}
      onClick={() => void lab.force()}
    >
      {words.banners.force}
    </button>
  </div>
);

/** The same sentence from several ranks is one banner. */
function saidByRanks(lab: Lab): { readonly text: string; readonly members: readonly MemberId[] }[] {
  const said = new Map<string, MemberId[]>();
  for (const { member, status } of lab.locals.value) {
    if (status?.problem === undefined || status.phase === 'stuck') continue;
    said.set(status.problem, [...(said.get(status.problem) ?? []), member]);
  }
  return [...said].map(([text, members]) => ({ text, members }));
}
