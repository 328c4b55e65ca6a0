// Where a language model writes. The code is loaded when the room's job is one on text.

import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import { wordsReady } from '../language/language.ts';
import { saidIn } from '../lab-error.ts';
import type { Lab } from '../model/lab.ts';
import type { WriteText } from './WriteText.tsx';

export function WritingPlace({ lab }: { readonly lab: Lab }): JSX.Element | null {
  const panel = useSignal<{ readonly Panel: typeof WriteText } | undefined>(undefined);
  const { kind } = lab.room.value.job.data;
  useEffect(() => {
    const open = async (): Promise<void> => {
      const { WriteText: Panel } = await import('./WriteText.tsx');
      await wordsReady();
      panel.value = { Panel };
    };
    if (kind !== 'text' || panel.peek() !== undefined) return;
    open().catch((error: unknown) => {
      lab.complain(saidIn(error));
    });
  }, [kind]);
  const Panel = panel.value?.Panel;
  return Panel === undefined ? null : <Panel lab={lab} />;
}
