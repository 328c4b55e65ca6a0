// Where the race laboratory stands on the board. Its code, and that of its simulators, is loaded when somebody opens it.

import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import type { Lab } from '../model/lab.ts';
import { sentenceIn } from '../lab-error.ts';
import { wordsReady } from '../language/language.ts';
import type { RaceLaboratory } from '../simulation/RaceLaboratory.tsx';
import { words } from '../words.ts';
import { Icon } from './icons.tsx';
import { Panel } from './Panel.tsx';

export function SimulationPanel({ lab }: { readonly lab: Lab }): JSX.Element {
  const laboratory = useSignal<{ readonly Laboratory: typeof RaceLaboratory } | undefined>(undefined);
  const isOpening = useSignal(false);
  const problem = useSignal<string | undefined>(undefined);
  const open = async (): Promise<void> => {
    isOpening.value = true;
    problem.value = undefined;
    try {
      const { RaceLaboratory: Laboratory } = await import('../simulation/RaceLaboratory.tsx');
      await wordsReady();
      laboratory.value = { Laboratory };
    } catch (error) {
      problem.value = sentenceIn(error);
    } finally {
      isOpening.value = false;
    }
  };
  const drawn = lab.drawn.value;
  useEffect(() => {
    if (drawn !== undefined && laboratory.value === undefined && !isOpening.value) void open();
  }, [drawn]);
  const Laboratory = laboratory.value?.Laboratory;
  return (
    <Panel name="simulation" title={words.simulation.title} about={words.simulation.about}>
      {Laboratory === undefined ? (
        <p>
          <button type="button" class="button" disabled={isOpening.value} onClick={() => void open()}>
            <Icon name="play" />
            {isOpening.value ? words.simulation.opening : words.simulation.open}
          </button>
        </p>
      ) : (
        <Laboratory speaker={lab} log={drawn} slotOf={lab.knownSlot} />
      )}
      {problem.value !== undefined && <p role="alert">{words.simulation.failed(problem.value)}</p>}
    </Panel>
  );
}
