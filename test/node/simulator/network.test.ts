// The simulated network alone: whom a message reaches.

import fc from 'fast-check';
import { expect, it } from 'vitest';
import { happen, type Due } from '../../../src/simulator/due.ts';
import type { Endpoint, LinkEvent } from '../../../src/simulator/link.ts';
import { createNetwork } from '../../../src/simulator/network.ts';
import { createQueue } from '../../../src/simulator/queue.ts';
import { createEntropy } from '../../../src/simulator/random.ts';

interface Page extends Endpoint<Page, string, number> {
  readonly heard: number[];
}

const HOSTS = 24;

/** Pages that all have links with the first. */
function star() {
  const queue = createQueue<Due>();
  let now = 0;
  const network = createNetwork<Page, string, number>({
    now: () => now,
    entropy: createEntropy(1),
    at: (time, due) => queue.push(time, due),
    delay: (_site, [low]) => low,
    deliver(page, event: LinkEvent<string, number>) {
      if (event.kind === 'message') page.heard.push(event.message);
    },
  });
  const pages = Array.from({ length: HOSTS }, (_, ordinal): Page => ({
    member: `page ${ordinal}`,
    ordinal,
    alive: true,
    hidden: false,
    links: new Map(),
    heard: [],
  }));
  const settle = (): void => {
    for (let due = queue.nextAt(); due < Infinity; due = queue.nextAt()) {
      now = due;
      const next = queue.pop();
      if (next !== undefined) happen(next);
    }
  };
  const [first, ...others] = pages;
  if (first === undefined) throw new Error('There is no page.');
  for (const other of others) network.connect(first, other);
  settle();
  return { network, first, pages, settle };
}

it('brings each message to the page that it is for, in whatever order pages are written to, again and again', () => {
  const receivers = fc.array(fc.integer({ min: 1, max: HOSTS }), { maxLength: 12 });
  fc.assert(
    fc.property(fc.array(receivers, { maxLength: 6 }), (turns) => {
      const { network, first, pages, settle } = star();
      const expected = pages.map((): number[] => []);
      let message = 0;
      for (const turn of [...turns, ...turns])
        for (const to of turn) {
          message += 1;
          // The last number is of a page that nobody has a link with.
          const outcome = network.send(first, `page ${to}`, message);
          expect(outcome).toBe(to === HOSTS ? 'no-link' : 'sent');
          expected[to]?.push(message);
        }
      settle();
      expect(pages.map(({ heard }) => heard)).toEqual(expected);
    }),
  );
});
