// Asks for the room's text where this browser does not have it: the same file, told by its SHA-256, lets ranks of this tab train.

import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import { MAX_TEXT_BYTES } from '../../engine/data/text-limit.ts';
import { findText, keepText } from '../../live/texts.ts';
import { bytes } from '../format.ts';
import { LabError, saidIn } from '../lab-error.ts';
import type { Lab } from '../model/lab.ts';
import { words } from '../words.ts';

/** `corpus`: the SHA-256 of the room's text. Shows nothing where the text is at hand. */
export function BringText({
  lab,
  corpus,
}: {
  readonly lab: Lab;
  readonly corpus: string;
}): JSX.Element | null {
  const missing = useSignal(false);
  useEffect(() => {
    findText(corpus).then(
      (found) => {
        missing.value = found === undefined;
      },
      (error: unknown) => {
        lab.complain(saidIn(error));
      },
    );
  }, [lab, corpus]);
  if (!missing.value) return null;

  const bring = async (file: File): Promise<void> => {
    if (file.size > MAX_TEXT_BYTES)
      throw new LabError('other-text', () => words.choose.tooLarge(file.name, bytes(MAX_TEXT_BYTES)));
    const { sha256 } = await keepText(new Uint8Array(await file.arrayBuffer()), file.name);
    if (sha256 !== corpus) throw new LabError('other-text', () => words.bring.other(file.name));
    missing.value = false;
    // Those that came before the text have stopped.
    const stopped = lab.locals.value.filter(({ status }) => status?.phase === 'stopped');
    for (const { member } of stopped) lab.removeRank(member, true);
    await lab.addRank();
  };

  return (
    <label class="choose-file">
      <span>{words.bring.ask(corpus.slice(0, 12))}</span>
      <input
        type="file"
        accept="text/*,.md,.txt"
        onChange={(event) => {
          const file = event.currentTarget.files?.[0];
          if (file === undefined) return;
          bring(file).catch((error: unknown) => {
            lab.complain(saidIn(error));
          });
        }}
      />
    </label>
  );
}
