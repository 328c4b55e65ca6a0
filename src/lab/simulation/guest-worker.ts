// The simulator with somebody's protocol in it: bundled whole, and run in a worker of a sandboxed frame (./sandbox.ts), where the
// protocol's code reaches neither this site nor the network.

import * as Comlink from 'comlink';
import { drawGuest } from '../../simulator/guest/drawing.ts';
import {
  drawGuestExperiment,
  GuestExperimentSchema,
  type GuestExperiment,
} from '../../simulator/guest/experiment.ts';
import { runGuest, runGuestTwice } from '../../simulator/guest/run.ts';
import { parseProtocol, type GuestProtocol } from '../../simulator/guest/shape.ts';
import { replayGuest, shrinkGuest, type GuestReplay } from '../../simulator/guest/shrink.ts';
import { sourceHash } from '../../simulator/guest/source-hash.ts';
import { recordingEntropy } from '../../simulator/random.ts';
import { pasteable, type Seen } from '../../simulator/pasteable.ts';
import { encodeReplay, parseReplayOf } from '../../simulator/replay.ts';
import type { RaceWorker, Subject } from './api.ts';
import { branch } from './branches.ts';
import { exactly } from './exactly.ts';
import { EXAMPLES } from './examples.ts';

interface Opened {
  readonly protocol: GuestProtocol;
  readonly hash: string;
}

const TYPESCRIPT = /\.[cm]?tsx?$/;

async function load(subject: Subject): Promise<Opened> {
  switch (subject.kind) {
    case 'room':
      throw new Error('The built-in protocol runs elsewhere.');
    case 'example': {
      const example = EXAMPLES.find(({ name }) => name === subject.name);
      if (example === undefined) throw new Error(`There is no example called ${subject.name}.`);
      return { protocol: parseProtocol(example.exported), hash: example.hash };
    }
    case 'file': {
      const { name, text } = subject;
      const exported = await importText(name, text);
      return { protocol: parseProtocol(exported), hash: sourceHash(name, () => text) };
    }
  }
}

/** What the text exports as `protocol`. */
async function importText(name: string, text: string): Promise<unknown> {
  if (TYPESCRIPT.test(name))
    throw new Error(
      `${name} is TypeScript, and a browser has no compiler: expected a JavaScript module. ` +
        `Make one with npx tsc --target es2022 --module esnext ${name}, or search it with npx rankfall hunt --protocol ${name}.`,
    );
  const address = URL.createObjectURL(new Blob([text], { type: 'text/javascript' }));
  let module: Readonly<Record<string, unknown>>;
  try {
    module = (await import(/* @vite-ignore */ address)) as typeof module;
  } catch (error) {
    throw new Error(`${name} cannot be loaded as a JavaScript module: ${sentence(error)}${hint(text)}`, {
      cause: error,
    });
  } finally {
    URL.revokeObjectURL(address);
  }
  if ('protocol' in module) return module['protocol'];
  const found = Object.keys(module).filter((key) => key !== 'default');
  throw new Error(
    `${name} exports no protocol: expected "export const protocol", found ${found.join(', ') || 'no named export'}.`,
  );
}

const sentence = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** What is most likely the matter with it. */
const hint = (text: string): string =>
  /^\s*import\s+type\b|:\s*Protocol\b/m.test(text)
    ? ' It seems to hold types: the lab takes JavaScript, and the command line TypeScript as well.'
    : /\bfrom\s*['"]\.{1,2}\//.test(text)
      ? ' It imports a file beside it: the lab takes a protocol in one file, and the command line several.'
      : '';

interface Ran {
  readonly replay: GuestReplay;
  readonly seen: Seen;
}

let opened: Opened | undefined;
let last: Ran | undefined;

function subject(): Opened {
  if (opened === undefined) throw new Error('No protocol was opened yet.');
  return opened;
}

function lastRun(): Ran {
  if (last === undefined) throw new Error('Nothing was run yet.');
  return last;
}

function parse(text: string, { protocol, hash }: Opened): GuestReplay {
  const replay = parseReplayOf(GuestExperimentSchema, text);
  const recorded = replay.experiment.protocol;
  if (recorded.name !== protocol.name)
    throw new Error(`This run is of the protocol "${recorded.name}", found "${protocol.name}".`);
  if (recorded.hash !== hash)
    throw new Error(
      `This run was recorded with another version of ${protocol.name}: expected a file with SHA-256 ${recorded.hash}, found ${hash}.`,
    );
  return replay;
}

const worker: RaceWorker = {
  open: async (wanted) => {
    const { protocol } = (opened = await load(wanted));
    last = undefined;
    return { protocol: protocol.name, ranks: protocol.ranks, scenarios: [] };
  },

  // What a protocol says of itself is its author's.
  speak: async () => undefined,

  run: async (request) => {
    const { protocol, hash } = subject();
    const drawing = drawGuest();
    const options = { ...drawing, hash: true };
    const started = performance.now();
    let experiment: GuestExperiment;
    let tape: GuestReplay['tape'];
    let outcome;
    if (request.kind === 'replay') {
      const recorded = parse(request.text, { protocol, hash });
      ({ experiment, tape } = recorded);
      outcome = exactly(recorded.traceHash, () => replayGuest(protocol, recorded, options));
    } else {
      experiment = drawGuestExperiment(request.seed, protocol, hash, { ranks: request.ranks });
      // A protocol that does not come out the same twice cannot be replayed, and says so here.
      runGuestTwice(protocol, experiment);
      const recording = recordingEntropy(experiment.seed);
      tape = recording.tape;
      outcome = runGuest(protocol, experiment, { ...options, entropy: recording.entropy });
    }
    const { verdict, invariant, reason, traceHash, stateHash, committed, events, virtualMs, ledger } =
      outcome;
    const diagram = drawing.diagram(outcome);
    const replay: GuestReplay = { experiment, tape, invariant, reason, traceHash };
    last = { replay, seen: { verdict, reason, diagram } };
    return {
      verdict,
      invariant,
      reason,
      traceHash,
      stateHash,
      seed: experiment.seed,
      ranks: experiment.ranks,
      steps: experiment.steps,
      committed,
      events,
      virtualMs,
      wallMs: performance.now() - started,
      ledger: { ...ledger },
      diagram,
      pasteable: pasteable(replay),
    };
  },

  replay: async () => {
    const { replay, seen } = lastRun();
    return { text: pasteable(replay, seen) };
  },

  branch: async (request) => {
    const { protocol } = subject();
    const { replay } = lastRun();
    return branch(replay, request, (make) => {
      const drawing = drawGuest();
      const outcome = runGuest(protocol, replay.experiment, { ...drawing, ...make(drawing.moments) });
      return { invariant: outcome.invariant, diagram: drawing.diagram(outcome) };
    });
  },

  hunt: async ({ from, count, ranks }) => {
    const { protocol, hash } = subject();
    let [events, virtualMs] = [0, 0];
    for (let seed = from; seed < from + count; seed++) {
      const outcome = runGuestTwice(protocol, drawGuestExperiment(seed, protocol, hash, { ranks }));
      events += outcome.events;
      virtualMs += outcome.virtualMs;
      const { verdict, invariant, reason } = outcome;
      if (verdict === 'violated')
        return { count: seed - from + 1, events, virtualMs, finding: { seed, invariant, reason } };
    }
    return { count, events, virtualMs, finding: undefined };
  },

  shrink: async (budgetMs) => {
    const { protocol } = subject();
    const { replay, size, runs } = shrinkGuest(protocol, lastRun().replay, {
      now: () => performance.now(),
      budgetMs,
    });
    return { replay: encodeReplay(replay), size, runs };
  },
};

// The frame hands over the port on which the page asks.
addEventListener(
  'message',
  ({ ports: [port] }: MessageEvent) => {
    if (port !== undefined) Comlink.expose(worker, port);
  },
  { once: true },
);
