// The whole lab: what the room is and does, then the ranks, then what can be learned from them.

import type { ComponentChildren, JSX } from 'preact';
import type { Lab } from '../model/lab.ts';
import { formatRoomLink, newRoom } from '../../live/link.ts';
import { isFirstVisit } from '../model/first-visit.ts';
import { words } from '../words.ts';
import { Banners } from './Banners.tsx';
import { Charts } from './Charts.tsx';
import { Checkpoints } from './Checkpoints.tsx';
import { ConsentDialog } from './ConsentDialog.tsx';
import { Costs } from './Costs.tsx';
import { EventLog } from './EventLog.tsx';
import { FaultPanel } from './FaultPanel.tsx';
import { Greeting } from './Greeting.tsx';
import { Header } from './Header.tsx';
import { Look } from './Look.tsx';
import { isNarrow } from './narrow.ts';
import { Ranks } from './Ranks.tsx';
import { Regroups } from './Regroups.tsx';
import { Ring } from './Ring.tsx';
import { SimulationPanel } from './SimulationPanel.tsx';
import { Switches } from './Switches.tsx';
import { WritingPlace } from './WritingPlace.tsx';

interface Props {
  readonly lab: Lab;
  /** The participant's class, where the page is in one. */
  readonly classStrip?: ComponentChildren;
}

export const App = ({ lab, classStrip }: Props): JSX.Element =>
  lab.left.value ? (
    <Left lab={lab} />
  ) : (
    <>
      <Header lab={lab} />
      <main>
        <h1 class="sr-only">{words.name}</h1>
        {classStrip}
        <Banners lab={lab} />
        <div class="board" data-greeting={isFirstVisit(lab)} data-learns={lab.room.value.job.data.kind}>
          {isNarrow.value && isFirstVisit(lab) ? <Greeting lab={lab} /> : <Ring lab={lab} />}
          <Ranks lab={lab} />
          <Charts lab={lab} />
          <Regroups lab={lab} />
          <WritingPlace lab={lab} />
          <Look lab={lab} />
          <EventLog lab={lab} />
          <FaultPanel lab={lab} />
          <Checkpoints lab={lab} />
          <Costs lab={lab} />
          <SimulationPanel lab={lab} />
        </div>
      </main>
      <ConsentDialog lab={lab} />
      <p class="toast" role="status" data-shown={lab.notice.value !== ''}>
        {lab.notice.value}
      </p>
    </>
  );

const Left = ({ lab }: { readonly lab: Lab }): JSX.Element => (
  <main class="notice-page">
    <Switches />
    <h1>{words.left.title(lab.link.room)}</h1>
    <p>{words.left.body}</p>
    <p class="row">
      <button
        type="button"
        class="button primary"
        onClick={() => {
          location.reload();
        }}
      >
        {words.left.again}
      </button>
      <button
        type="button"
        class="button"
        onClick={() => {
          location.href = `${location.pathname}${location.search}${formatRoomLink(newRoom())}`;
        }}
      >
        {words.left.fresh}
      </button>
    </p>
  </main>
);
