// A lesson: its text beside what is predicted, run and reached, and under both the diagram of the run.

import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect, useMemo } from 'preact/hooks';
import type { Picked } from '../diagram/picking.ts';
import { SpaceTime } from '../diagram/SpaceTime.tsx';
import { Panel } from '../view/Panel.tsx';
import { Goal } from './Goal.tsx';
import { lessonWords } from './lesson-words.ts';
import type { Lesson } from './lesson.ts';
import type { LessonOutcome } from './outcome.ts';
import { Predict } from './Predict.tsx';
import { Prose } from './Prose.tsx';
import { RunPanel } from './RunPanel.tsx';
import { openSession } from './session.ts';

interface Props {
  readonly lesson: Lesson;
  readonly next: { readonly id: string; readonly title: string } | undefined;
  readonly frames: HTMLElement;
  /** A file that bears the name of another lesson leaves that one's progress alone. */
  readonly isKept: boolean;
  readonly say: (text: string) => void;
}

export function LessonView({ lesson, next, frames, isKept, say }: Props): JSX.Element {
  const session = useMemo(() => openSession(lesson, frames, isKept), []);
  useEffect(() => {
    session.tell(lesson);
  }, [session, lesson]);
  useEffect(
    () => () => {
      session.cancel();
    },
    [session],
  );
  const outcome = session.outcome.value;
  return (
    <main class="lesson">
      <article class="panel lesson-text">
        <header class="lesson-head" lang={lesson.language}>
          <h1>{lesson.title}</h1>
          <p>{lesson.idea}</p>
          <p class="muted">
            {lessonWords.facts(lessonWords.minutes(lesson.minutes), lessonWords.worlds[lesson.run.world])}
          </p>
        </header>
        <Prose text={lesson.body} language={lesson.language} />
      </article>
      <div class="lesson-work">
        <Predict session={session} />
        <RunPanel session={session} say={say} />
        <Goal session={session} next={next} />
      </div>
      {outcome !== undefined && <Drawn outcome={outcome} isLive={lesson.run.world === 'live'} />}
    </main>
  );
}

function Drawn({
  outcome,
  isLive,
}: {
  readonly outcome: LessonOutcome;
  readonly isLive: boolean;
}): JSX.Element {
  const cursor = useSignal<number | undefined>(undefined);
  const picked = useSignal<Picked | undefined>(undefined);
  useEffect(() => {
    cursor.value = undefined;
    picked.value = undefined;
  }, [outcome]);
  return (
    <Panel
      name="lesson-diagram"
      title={lessonWords.diagram.title}
      about={isLive ? lessonWords.diagram.live : lessonWords.diagram.about}
    >
      <SpaceTime diagram={outcome.diagram} slotOf={outcome.slotOf} cursor={cursor} picked={picked} />
    </Panel>
  );
}
