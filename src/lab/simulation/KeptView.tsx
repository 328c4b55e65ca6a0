// A run that is not run here, as it was recorded: why, what it came to, and its diagram, in which time is travelled but nothing branches.

import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import { CORE_VERSION } from '../../simulator/core-version.ts';
import type { Recorded } from '../../simulator/pasted.ts';
import type { Picked } from '../diagram/picking.ts';
import { SpaceTime } from '../diagram/SpaceTime.tsx';
import { toldWords } from '../told-words.ts';
import { Icon } from '../view/icons.tsx';
import { raceWords } from './race-words.ts';
import { Events } from './RaceResult.tsx';
import type { Kept, NotRun } from './simulation.ts';

export function KeptView({ kept: { why, recorded } }: { readonly kept: Kept }): JSX.Element {
  return (
    <section
      class="race-result"
      aria-labelledby="race-kept-title"
      data-why={why.kind}
      data-verdict={recorded?.verdict}
    >
      <h3 id="race-kept-title">{raceWords.kept.title}</h3>
      <p class="race-problem" role="alert">
        {reasonOf(why)} {recorded === undefined && raceWords.kept.none}
      </p>
      {recorded !== undefined && <Seen recorded={recorded} />}
    </section>
  );
}

function reasonOf(why: NotRun): string {
  const words = raceWords.kept.why;
  switch (why.kind) {
    case 'core':
      return words.core(why.found, CORE_VERSION);
    case 'differs':
      return words.differs;
    case 'bug':
      return words.bug(why.bug);
    case 'protocol':
      return words.protocol(why.name, why.hash);
  }
}

function Seen({ recorded }: { readonly recorded: Recorded }): JSX.Element {
  const { verdict, reason, diagram, skipped } = recorded;
  const cursor = useSignal<number | undefined>(undefined);
  const picked = useSignal<Picked | undefined>(undefined);
  useEffect(() => {
    cursor.value = undefined;
    picked.value = undefined;
  }, [recorded]);
  return (
    <>
      <p class="race-verdict">
        <Icon name={verdict === 'violated' ? 'alert' : 'check'} />
        <b>{raceWords.kept.verdicts[verdict]}</b>{' '}
        {reason === undefined ? raceWords.kept.means : toldWords.told(reason)}
      </p>
      <SpaceTime diagram={diagram} cursor={cursor} picked={picked} />
      {skipped > 0 && <p class="muted">{raceWords.kept.skipped(skipped)}</p>}
      <Events diagram={diagram} />
    </>
  );
}
