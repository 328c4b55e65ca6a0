// The space-time diagram's model: what is found where, who could have known what, where two runs differ, and how time is travelled.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createCausality } from '../../src/lab/diagram/causality.ts';
import { firstDifference } from '../../src/lab/diagram/difference.ts';

import { laneSlots } from '../../src/lab/diagram/lane-colours.ts';
import { SLOTS } from '../../src/trace/looks.ts';
import { createScene, fateOf, NO_FILTERS } from '../../src/lab/diagram/scene.ts';
import { createSpanIndex, type Stretch } from '../../src/lab/diagram/span-index.ts';
import { factsAt, momentText, placeOf, stepFrom } from '../../src/lab/diagram/travel.ts';
import { clamp, firstView, positionAt, showing, yOf, zoomed } from '../../src/lab/diagram/viewport.ts';
import type { MemberId } from '../../src/ports/ids.ts';
import { drawRecords, drawRoom } from '../../src/simulator/drawing.ts';
import { SCENARIOS, scenarioExperiment } from '../../src/simulator/scenarios.ts';
import { runExperiment } from '../../src/simulator/swarm.ts';
import { recordDiagram, type Diagram } from '../../src/trace/diagram.ts';
import { shortNames } from '../../src/trace/short-names.ts';

const stretch = fc.record({
  from: fc.nat(3),
  to: fc.nat(3),
  start: fc.nat(10_000),
  length: fc.oneof({ weight: 9, arbitrary: fc.nat(20) }, { weight: 1, arbitrary: fc.nat(9000) }),
  kind: fc.nat(2),
});
const stretches = fc
  .array(stretch, { maxLength: 1500, size: 'max' })
  .map((all) => all.map(({ length, ...one }, item): Stretch => ({ ...one, end: one.start + length, item })));
const range = fc.tuple(fc.nat(10_000), fc.nat(3000)).map(([top, length]) => [top, top + length] as const);

describe('the colours of lanes', () => {
  const member = (name: string): MemberId => name.padEnd(32, '0') as MemberId;
  const seen = (...names: string[]): Diagram => {
    const { record, recorder } = drawRecords();
    for (const [seq, name] of names.entries())
      record({
        member: member(name),
        seq,
        at: seq,
        event: { kind: 'phase', phase: 'computing' },
      });
    return recorder.finish(0);
  };

  it('are those that the ranks wear on the ring of the page, and nobody else wears them', () => {
    const ring = new Map([
      [member('b'), 0],
      [member('c'), 5],
    ]);
    const { lanes } = seen('a', 'b', 'c', 'd');
    expect(laneSlots(lanes, (one) => ring.get(one))).toEqual([1, 0, 5, 2]);
    const scene = createScene(seen('c'), NO_FILTERS, (one) => ring.get(one));
    expect(scene.slots).toEqual([5]);
  });

  it('are those that the record tells, where the ring of the page does not', () => {
    const { record, recorder } = drawRecords();
    for (const [seq, slot] of [4, 6].entries())
      record({ member: member('a'), seq, at: seq, event: { kind: 'coloured', slot } });
    record({ member: member('b'), seq: 0, at: 0, event: { kind: 'phase', phase: 'computing' } });
    const { lanes, marks } = recorder.finish(9);
    expect(laneSlots(lanes)).toEqual([6, 0]);
    expect(laneSlots(lanes, (one) => (one === member('a') ? 3 : undefined))).toEqual([3, 0]);
    expect(marks).toEqual([]);
  });

  it('follow their order where the page has no ring, and begin anew after the last', () => {
    const { lanes } = seen(...'0123456789abcdefg'.split(''));
    expect(laneSlots(lanes)).toEqual([...Array.from({ length: SLOTS }, (_, slot) => slot), 0]);
  });
});

describe('an index of stretches', () => {
  it('finds exactly those that touch a range', () => {
    fc.assert(
      fc.property(stretches, range, (all, [top, bottom]) => {
        const found = createSpanIndex(all).within(top, bottom);
        const expected = all.filter(({ start, end }) => start <= bottom && end >= top);
        expect(found.map(({ item }) => item).sort()).toEqual(expected.map(({ item }) => item).sort());
      }),
      { numRuns: 50 },
    );
  });

  it('sketches within its budget, with all looks that are there when everything fits', () => {
    fc.assert(
      fc.property(stretches, range, fc.integer({ min: 20, max: 400 }), (all, [top, bottom], budget) => {
        const index = createSpanIndex(all);
        const sketch = index.sketch(top, bottom, budget);
        expect(sketch.length).toBeLessThanOrEqual(budget);
        const there = index.within(top, bottom);
        if (there.length <= budget) expect(sketch).toEqual(there);
        // One that stands for several may reach further than each, but nothing is overlooked.
        if (there.length > 0) expect(sketch.length).toBeGreaterThan(0);
      }),
      { numRuns: 50 },
    );
  });
});

/** Messages as their lanes and times; each is a place in an order of its own. */
const exchange = fc.array(
  fc.record({ from: fc.nat(3), to: fc.nat(3), takes: fc.nat(40), isLost: fc.boolean() }),
  { maxLength: 60 },
);

function diagramOf(
  messages: readonly { from: number; to: number; takes: number; isLost: boolean }[],
): Diagram {
  const recorder = recordDiagram();
  for (let lane = 0; lane < 4; lane++) recorder.lane(`node ${lane}`);
  const events = messages.flatMap(({ from, to, takes, isLost }, i) => {
    const message = { i };
    const [a, b] = [`node ${from}`, `node ${to}`];
    return [
      { at: i * 5, run: () => recorder.sent(a, b, message, 'ping', `ping ${i}`, i * 5) },
      ...(isLost
        ? []
        : [{ at: i * 5 + takes + 1, run: () => recorder.received(a, b, message, i * 5, i * 5 + takes + 1) }]),
    ];
  });
  for (const { run } of events.sort((x, y) => x.at - y.at)) run();
  return recorder.finish(messages.length * 5 + 100);
}

/** Whether the second happens after the first, and the first's message could be known by then, by following every chain. */
function leadsTo(diagram: Diagram, first: number, second: number): boolean {
  const seen = new Set<number>();
  const visit = (i: number): boolean => {
    if (i === second) return true;
    if (seen.has(i)) return false;
    seen.add(i);
    const { to, received } = diagram.arrows[i] ?? {};
    return diagram.arrows.some(
      ({ from, sent }, next) =>
        received !== undefined && from === to && sent.seq > received.seq && visit(next),
    );
  };
  return first !== second && visit(first);
}

describe('causality', () => {
  it('is what following every chain of messages comes to', () => {
    fc.assert(
      fc.property(exchange, fc.nat(59), (messages, place) => {
        const diagram = diagramOf(messages);
        if (diagram.arrows.length === 0) return;
        const chosen = place % diagram.arrows.length;
        const { past, future } = createCausality(diagram.arrows, 4).cone(chosen);
        for (const i of diagram.arrows.keys()) {
          expect(past.has(i), `past ${i}`).toBe(leadsTo(diagram, i, chosen));
          expect(future.has(i), `future ${i}`).toBe(leadsTo(diagram, chosen, i));
        }
      }),
      { numRuns: 60 },
    );
  });
});

function drawn(name: string, seed: number): Diagram {
  const scenario = SCENARIOS[name];
  if (scenario === undefined) throw new Error(`no scenario ${name}`);
  const drawing = drawRoom();
  return drawing.diagram(runExperiment(scenarioExperiment(scenario, { seed, ranks: 4 }), drawing));
}

describe('the lanes of a diagram', () => {
  it.each(['kill-one', 'newcomer', 'witness'])(
    'of the scenario %s stand in the order of the pages, by whose numbers strikes name them',
    (scenario) => {
      const names = drawn(scenario, 3).lanes.map(({ name }) => name);
      expect(names.length).toBeGreaterThan(2);
      expect(names.map((name) => name.replace(/ · [0-9a-f]+$/u, ''))).toEqual(
        names.map((name, page) => (name.startsWith('witness') ? 'witness' : `page ${page}`)),
      );
    },
  );

  it('belong to what happened on them, in whichever order they came', () => {
    const recorder = recordDiagram();
    recorder.place('first', 0);
    recorder.place('never', 1);
    recorder.mark('stranger', 1, 'of the stranger');
    recorder.place('second', 2);
    const message = {};
    recorder.sent('second', 'first', message, 'kind', 'label', 2);
    recorder.received('second', 'first', message, 2, 3);
    recorder.begin('step', 'second', 4, 'of the second');
    recorder.fact('first', 5, 'of', 'the first');
    const { lanes, marks, arrows, spans, facts } = recorder.finish(6);
    const name = (lane: number | undefined): string | undefined => lanes[lane ?? -1]?.name;
    expect(lanes.map((lane) => lane.name)).toEqual(['first', 'second', 'stranger']);
    expect([name(marks[0]?.lane), name(spans[0]?.lane), name(facts[0]?.lane)]).toEqual([
      'stranger',
      'second',
      'first',
    ]);
    expect([name(arrows[0]?.from), name(arrows[0]?.to)]).toEqual(['second', 'first']);
  });

  it('keep their names apart where two ids begin alike', () => {
    const short = shortNames();
    expect(['abcd12', 'abcd34', 'ffff00', 'abcd12'].map(short)).toEqual(['abcd', 'abcd34', 'ffff', 'abcd']);
  });
});

describe('the diagram of a simulated room', () => {
  const diagram = drawn('kill-one', 1);

  it('has a lane for each page, its steps and generations, and a bar from the death on', () => {
    expect(diagram.lanes).toHaveLength(4);
    const gone = diagram.spans.filter(({ kind }) => kind === 'gone');
    expect(gone).toHaveLength(1);
    expect(gone[0]?.to).toEqual(diagram.end);
    const dead = gone[0]?.lane ?? -1;
    const after = diagram.spans.filter(
      ({ kind, lane, from }) => kind === 'step' && lane === dead && from.seq > (gone[0]?.from.seq ?? 0),
    );
    expect(after).toEqual([]);
    expect(diagram.spans.some(({ kind, name }) => kind === 'step' && name === 'step 39')).toBe(true);
    expect(diagram.headlines.map(({ text }) => text)).toEqual(['kill on page 1']);
  });

  it('tells what was lost from what arrived', () => {
    const fates = diagram.arrows.map((arrow) => fateOf(arrow, diagram));
    expect(fates).toContain('lost');
    expect(fates.filter((fate) => fate === 'arrived').length).toBeGreaterThan(fates.length * 0.9);
  });

  it('has a row for everything that is shown, and time never goes back along them', () => {
    const scene = createScene(diagram, NO_FILTERS);
    const places = scene.moments.map((moment) => scene.position(moment));
    expect(places).toEqual(places.map((_, i) => i));
    for (let i = 1; i < places.length; i++)
      expect(scene.timeAt(i)).toBeGreaterThanOrEqual(scene.timeAt(i - 1));
  });

  it('leaves out hidden kinds and lanes, and folds the pages of a browser into one column', () => {
    const [kind = ''] = createScene(diagram, NO_FILTERS).kinds.keys();
    const without = createScene(diagram, { ...NO_FILTERS, hiddenKinds: new Set([kind]) });
    const left = diagram.arrows.filter((arrow) => arrow.kind !== kind).length;
    expect(without.messages.size).toBe(left);
    const fewer = createScene(diagram, { ...NO_FILTERS, hiddenLanes: new Set([0]) });
    expect(fewer.columns).toHaveLength(3);
    const group = diagram.lanes[0]?.group ?? '';
    const folded = createScene(diagram, { ...NO_FILTERS, foldedGroups: new Set([group]) });
    const members = diagram.lanes.filter((lane) => lane.group === group).length;
    expect(members).toBeGreaterThan(1);
    expect(folded.columns).toHaveLength(4 - members + 1);
    expect(folded.messages.size).toBeLessThan(diagram.arrows.length);
  });

  it('is travelled by what its nodes have reported where it knows no steps', () => {
    const recorder = recordDiagram();
    recorder.mark('node 0', 0, 'starts');
    for (let at = 1; at <= 9; at++) {
      const message = {};
      recorder.sent('node 0', 'node 1', message, 'hello', 'hello', at);
      recorder.received('node 0', 'node 1', message, at, at + 0.5);
      if (at % 3 === 0) recorder.mark('node 1', at + 0.6, `has heard ${at}`);
    }
    const scene = createScene(recorder.finish(10), NO_FILTERS);
    let place = 0;
    const said: string[] = [];
    for (let i = 0; i < 3; i++) {
      place = stepFrom(scene, place, 1);
      said.push(momentText(scene, scene.moments[place]?.seq ?? 0));
    }
    expect(said).toEqual(['node 1: has heard 3', 'node 1: has heard 6', 'node 1: has heard 9']);
    expect(momentText(scene, scene.moments[stepFrom(scene, place, -1)]?.seq ?? 0)).toBe(
      'node 1: has heard 6',
    );
  });

  it('is travelled event by event and step by step, to its ends and no further', () => {
    const scene = createScene(diagram, NO_FILTERS);
    const last = scene.moments.length - 1;
    let place = 0;
    let steps = 0;
    while (place < last && steps < 1000) {
      const next = stepFrom(scene, place, 1);
      expect(next).toBeGreaterThan(place);
      place = next;
      steps += 1;
    }
    expect(place).toBe(last);
    expect(steps).toBeGreaterThan(39);
    expect(stepFrom(scene, last, -1)).toBeLessThan(last);
    const seq = scene.moments[100]?.seq ?? 0;
    expect(placeOf(scene, seq)).toBe(100);
    expect(momentText(scene, seq)).not.toBe('');
    expect(factsAt(scene, diagram.end.seq)[0]?.get('committed')).toBe('40');
    expect(factsAt(scene, 0)[0]?.has('committed')).toBe(false);
  });

  it('shows no first difference from itself, and one from another seed', () => {
    expect(firstDifference(diagram, drawn('kill-one', 1))).toBeUndefined();
    const difference = firstDifference(diagram, drawn('kill-one', 2));
    expect(difference?.left).toBeDefined();
    expect(difference?.right).toBeDefined();
  });
});

describe('a view of a diagram', () => {
  const scene = createScene(drawn('zombie', 1), NO_FILTERS);
  const height = 500;

  it('stays within the scene, and keeps in place what it zooms at', () => {
    const frame = { ...firstView(scene, height), width: 800, height };
    expect(clamp(scene, { top: -50, zoom: 20 }, height).top).toBe(0);
    const low = clamp(scene, { top: 1e9, zoom: 20 }, height);
    expect(yOf(low, scene.length)).toBeLessThanOrEqual(height);
    const at = positionAt({ top: 300, zoom: 10 }, 200);
    const closer = zoomed(scene, { ...frame, top: 300, zoom: 10 }, 2, 200);
    expect(positionAt(closer, 200)).toBeCloseTo(at, 6);
    expect(closer.zoom).toBe(20);
  });

  it('moves to what is to be seen, and not where it is seen already', () => {
    const frame = { top: 0, zoom: 10, width: 800, height };
    expect(showing(scene, frame, 5)).toBe(frame);
    const moved = showing(scene, frame, 400);
    expect(yOf(moved, 400)).toBeGreaterThan(0);
    expect(yOf(moved, 400)).toBeLessThan(height);
  });
});
