// The run of a lesson: its settings, its start and end, and for a live one the room with the reader's hands on it.

import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { Icon } from '../view/icons.tsx';
import { Panel } from '../view/Panel.tsx';
import { MAX_LINK } from '../simulation/race-link.ts';
import { Room } from './Room.tsx';
import { IntervalTool } from './IntervalTool.tsx';
import { lessonWords } from './lesson-words.ts';
import type { LessonOutcome } from './outcome.ts';
import type { Session } from './session.ts';
import { SettingFields } from './SettingFields.tsx';

interface Props {
  readonly session: Session;
  readonly say: (text: string) => void;
}

export function RunPanel({ session, say }: Props): JSX.Element {
  const { isRunning, predicted, problem, outcome, room } = session;
  const { run, tool } = session.lesson.value;
  const live = room.value;
  const start =
    outcome.value !== undefined
      ? lessonWords.run.again
      : run.world === 'live'
        ? lessonWords.run.startLive(run.ranks)
        : lessonWords.run.start;
  return (
    <Panel name="lesson-run" title={lessonWords.run.title} about={lessonWords.run.about[run.world]}>
      {tool === 'interval' && <IntervalTool />}
      <form
        class="lesson-start"
        onSubmit={(event) => {
          event.preventDefault();
          void session.run();
        }}
      >
        <SettingFields session={session} />
        <div class="row">
          {isRunning.value ? (
            <button
              type="button"
              class="button"
              onClick={() => {
                if (live === undefined) session.cancel();
                else live.end();
              }}
            >
              {live === undefined ? lessonWords.run.cancel : lessonWords.run.end}
            </button>
          ) : (
            <button type="submit" class="button primary" disabled={predicted.value === undefined}>
              <Icon name="play" />
              {start}
            </button>
          )}
          <p class="lesson-doing muted" role="status">
            {predicted.value === undefined
              ? lessonWords.run.first
              : isRunning.value && <Doing session={session} />}
          </p>
        </div>
      </form>
      {problem.value !== undefined && (
        <p class="lesson-problem" role="alert">
          {lessonWords.failed(problem.value)}
        </p>
      )}
      {live !== undefined && run.world === 'live' && <Room room={live} hands={run.hands} />}
      {outcome.value?.replay !== undefined && (
        <Sharing
          outcome={outcome.value}
          protocol={run.world === 'hunt' ? run.protocol : undefined}
          say={say}
        />
      )}
    </Panel>
  );
}

function Doing({ session }: { readonly session: Session }): JSX.Element {
  const { lesson, room, seeds } = session;
  switch (lesson.value.run.world) {
    case 'simulator':
      return <>{lessonWords.run.running}</>;
    case 'hunt':
      return <span class="numeric">{lessonWords.run.searching(seeds.value)}</span>;
    case 'live': {
      const view = room.value?.lab.room.value;
      return <>{view?.running === true ? lessonWords.run.training : lessonWords.run.opening}</>;
    }
  }
}

interface SharingProps {
  readonly outcome: LessonOutcome;
  readonly protocol: string | undefined;
  readonly say: (text: string) => void;
}

/** The same run in a terminal, or in the race laboratory with all its tools. */
function Sharing({ outcome, protocol, say }: SharingProps): JSX.Element {
  const { replay = '' } = outcome;
  const refused = useSignal('');
  const command = `npx rankfall replay${protocol === undefined ? '' : ` --protocol examples/${protocol}.ts`} '${replay}'`;
  // The lab stands beside this page.
  const link = new URL(`./#${replay}`, document.baseURI).href;
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(command);
      say(lessonWords.run.commandCopied);
    } catch {
      refused.value = lessonWords.run.copyByHand(command);
    }
  };
  return (
    <>
      <div class="row">
        <button type="button" class="button small" onClick={() => void copy()}>
          <Icon name="link" />
          {lessonWords.run.copyCommand}
        </button>
        {link.length <= MAX_LINK && (
          <a class="button small" href={link} target="_blank" rel="noopener">
            <Icon name="play" />
            {lessonWords.run.inLaboratory}
          </a>
        )}
      </div>
      {refused.value !== '' && <p class="lesson-problem mono">{refused.value}</p>}
    </>
  );
}
