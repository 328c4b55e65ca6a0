// The tape: what was drawn replays exactly, and whatever differs is found at its first draw.

import { describe, expect, it } from 'vitest';
import { CORE_VERSION } from '../../../src/simulator/core-version.ts';
import { drawExperiment } from '../../../src/simulator/draw-experiment.ts';
import {
  choicesOf,
  createEntropy,
  editedEntropy,
  recordingEntropy,
  replayingEntropy,
  TapeDivergence,
} from '../../../src/simulator/random.ts';
import { ReplayError } from '../../../src/simulator/replay-error.ts';
import { encodeReplay, parseReplay } from '../../../src/simulator/replay.ts';
import { replayOf, replayRun } from '../../../src/simulator/shrink.ts';
import { runExperiment } from '../../../src/simulator/swarm.ts';

describe('entropy', () => {
  it('draws nothing for a forced choice', () => {
    const { entropy, tape } = recordingEntropy(1);
    entropy.between('net', 'latency', 5, 5);
    entropy.chance('disk', 'tear', 0);
    entropy.chance('disk', 'tear', 1);
    entropy.pick('gpu', 'only', ['one']);
    expect(Object.values(tape).flat()).toEqual([]);
  });

  it('keeps its streams independent', () => {
    const [a, b] = [createEntropy(7), createEntropy(7)];
    for (let i = 0; i < 10; i++) b.between('disk', 'ballot', 0, 100);
    const draws = (e: typeof a): number[] =>
      Array.from({ length: 20 }, () => e.between('net', 'latency', 0, 1_000_000));
    expect(draws(a)).toEqual(draws(b));
  });

  it('replays a tape, and names the first draw that differs', () => {
    const { entropy, tape } = recordingEntropy(3);
    const drawn = [entropy.between('net', 'latency', 1, 6), entropy.between('net', 'latency', 1, 6)];
    const replay = replayingEntropy(tape);
    expect(replay.between('net', 'latency', 1, 6)).toBe(drawn[0]);
    expect(() => replay.between('net', 'setup', 5, 60)).toThrow(TapeDivergence);
    expect(() => replayingEntropy(tape).between('net', 'latency', 1, 7)).toThrow(/draw 0 of stream net/);
  });

  it('falls back to the least choice where an edited tape ends', () => {
    const { entropy } = editedEntropy({ net: [3], disk: [], gpu: [], sched: [], workload: [] });
    expect(entropy.between('net', 'latency', 1, 6)).toBe(4);
    expect(entropy.between('net', 'latency', 1, 6)).toBe(1);
    expect(entropy.chance('net', 'corrupt', 0.99)).toBe(false);
  });
});

describe('a replay', () => {
  it('comes to the same trace hash as the run that was recorded', () => {
    const replay = replayOf(drawExperiment(5));
    const text = encodeReplay(replay);
    expect(replayRun(parseReplay(text), { hash: true }).traceHash).toBe(replay.traceHash);
  });

  it('can be edited, and then still runs', () => {
    const replay = replayOf(drawExperiment(5));
    const choices = { ...choicesOf(replay.tape), net: [] };
    const { entropy, tape } = editedEntropy(choices);
    const outcome = runExperiment(replay.experiment, { entropy, hash: true });
    const again = replayRun({ experiment: replay.experiment, tape }, { hash: true });
    expect(again.traceHash).toBe(outcome.traceHash);
  });

  it.each([
    ['{"format":"rankfall-replay",', /line 1, column/],
    [`{"format":"rankfall-replay","core":${CORE_VERSION}}`, /experiment/],
    ['{"format":"something"}', /format/],
  ])('that is malformed is refused with its place: %s', (text, place) => {
    expect(() => parseReplay(text)).toThrow(ReplayError);
    expect(() => parseReplay(text)).toThrow(place);
  });

  it('whose draws leave their range is refused with the item', () => {
    const text = encodeReplay(replayOf(drawExperiment(5, { ranks: 1, steps: 1 })));
    const broken = text.replace(/"draws":"0\.\d+/, '"draws":"0.99999999999');
    expect(() => parseReplay(broken)).toThrow(/draws, item 0/);
    const none = text.replace(/"draws":"0\.\d+/, '"draws":"0,1');
    expect(() => parseReplay(none)).toThrow(/draws, item 0: expected an item such as "0\.5"/);
  });

  it('of a large room, with more than a million draws, is read', () => {
    const { experiment, tape } = replayOf(drawExperiment(5, { ranks: 1, steps: 1 }));
    const net = Array.from({ length: 1_200_000 }, (_, i) => ({
      site: 'latency',
      low: 0,
      high: 1,
      value: i % 2,
    }));
    expect(parseReplay(encodeReplay({ experiment, tape: { ...tape, net } })).tape.net).toHaveLength(
      net.length,
    );
  });
});
