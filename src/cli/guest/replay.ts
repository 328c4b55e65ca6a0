// `replay` and `shrink` with `--protocol FILE`: what is done with a run of a user's protocol that was found.

import { createGuestRecorder } from './recorder.ts';
import { answering, loadProtocol, type LoadedProtocol } from './load.ts';
import { guestJson } from './print.ts';
import { pasteableLine } from '../sim/print.ts';
import { EXIT_FAILED, EXIT_OK, RunError, UsageError } from '../errors.ts';
import { exactly, readAnyReplay, writeText } from '../sim/files.ts';
import type { RecordFlags } from '../sim/recorder.ts';
import { sizeOf } from '../../simulator/minimize.ts';
import { pasteable } from '../../simulator/pasteable.ts';
import { isPasted } from '../../simulator/pasted.ts';
import { encodeReplay } from '../../simulator/replay.ts';
import { replayGuest, shrinkGuest, type GuestReplay } from '../../simulator/guest/shrink.ts';
import { guestStory } from '../../simulator/guest/story.ts';

/** A replay of this very protocol: of the same file, by its hash. */
export function readGuestReplay(
  fileOrText: string,
  { path, protocol, hash }: LoadedProtocol,
  svg?: string,
): GuestReplay {
  const { experiment, ...rest } = readAnyReplay(fileOrText, svg);
  if (!('protocol' in experiment))
    throw new UsageError(
      'The replay is of the built-in protocol: expected one of a protocol of your own, or no --protocol.',
    );
  const recorded = experiment.protocol;
  if (recorded.name !== protocol.name)
    throw new UsageError(
      `The replay is of the protocol "${recorded.name}": expected its file, found "${protocol.name}" in ${path}.`,
    );
  if (recorded.hash !== hash)
    throw new UsageError(
      `The replay was recorded with another version of ${protocol.name}: expected a file with SHA-256 ${recorded.hash}, ` +
        `found ${hash} in ${path}. Get the version that it was recorded with, or hunt anew.`,
    );
  return { ...rest, experiment };
}

export interface GuestReplayFlags extends RecordFlags {
  readonly protocol: string;
  readonly json?: true;
}

export async function replayGuestCommand(from: string, flags: GuestReplayFlags): Promise<number> {
  const loaded = await loadProtocol(flags.protocol);
  const { path, protocol } = loaded;
  const replay = readGuestReplay(from, loaded, flags.svg);
  const recorder = createGuestRecorder(flags, true);
  const started = performance.now();
  const outcome = await answering(path, () =>
    exactly(() => replayGuest(protocol, replay, { ...recorder.options, hash: true })),
  );
  const wallMs = performance.now() - started;
  const diagram = recorder.finish(outcome);
  if (replay.traceHash !== undefined && replay.traceHash !== outcome.traceHash)
    throw new RunError(
      `The replay came out as trace ${outcome.traceHash}, but ${replay.traceHash} was recorded: another version wrote it, or the protocol depends on more than its state, its event and its clock.`,
    );
  process.stdout.write(
    flags.json === true
      ? `${JSON.stringify(guestJson(replay.experiment, outcome, wallMs))}\n`
      : `${guestStory(protocol, replay).join('\n')}\n\ntrace ${outcome.traceHash}\n${pasteableLine(pasteable(replay, { ...outcome, diagram }))}\n`,
  );
  return outcome.verdict === 'violated' ? EXIT_FAILED : EXIT_OK;
}

export interface GuestShrinkFlags {
  readonly protocol: string;
  readonly out?: string;
  readonly seconds: number;
  readonly json?: true;
}

export async function shrinkGuestCommand(from: string, flags: GuestShrinkFlags): Promise<number> {
  const loaded = await loadProtocol(flags.protocol);
  const { path, protocol } = loaded;
  const replay = readGuestReplay(from, loaded);
  const outcome = await answering(path, () => exactly(() => replayGuest(protocol, replay)));
  if (outcome.verdict !== 'violated')
    throw new RunError('The replay violates no invariant: there is nothing to shrink.');
  const before = sizeOf(replay.experiment, replay.tape);
  const started = performance.now();
  const shrunk = await answering(path, () =>
    shrinkGuest(
      protocol,
      { ...replay, invariant: outcome.invariant },
      { now: () => performance.now(), budgetMs: flags.seconds * 1000 },
    ),
  );
  const out = flags.out ?? (isPasted(from) ? 'shrunk.json' : from);
  writeText(out, `${encodeReplay(shrunk.replay)}\n`);
  const result = {
    invariant: outcome.invariant ?? null,
    events: before,
    shrunkEvents: shrunk.size,
    runs: shrunk.runs,
    wallMs: Math.round(performance.now() - started),
    replayFile: out,
  };
  process.stdout.write(
    flags.json === true
      ? `${JSON.stringify(result)}\n`
      : `${before} decisions became ${shrunk.size} in ${shrunk.runs} runs: ${out}\n\n${guestStory(protocol, shrunk.replay).join('\n')}\n`,
  );
  return EXIT_OK;
}
