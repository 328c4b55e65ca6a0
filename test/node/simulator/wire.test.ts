// The send queues of a simulated link: bytes take their time, and past the limit nothing is taken.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createWires } from '../../../src/simulator/wire.ts';

describe('a lane of a simulated link', () => {
  it('puts one message after the other on the wire', () => {
    const wires = createWires();
    const wire = wires.create();
    wires.setBandwidth(wire, 10, 0);
    expect([wires.offer(wire, 'bulk', 100, 1000, 0), wires.offer(wire, 'bulk', 50, 1000, 0)]).toEqual([
      10, 15,
    ]);
    expect(wires.offer(wire, 'control', 20, 1000, 0)).toBe(2);
    expect(wires.queuedOn(wire, 'bulk', 5)).toBe(100);
    expect(wires.queuedOn(wire, 'bulk', 20)).toBe(0);
  });

  it('takes exactly as many bytes as fit, and a single longer message when nothing waits', () => {
    const wires = createWires();
    const wire = wires.create();
    expect(wires.offer(wire, 'bulk', 5000, 1000, 0)).toBeDefined();
    wires.setBandwidth(wire, 1, 5000);
    expect(wires.offer(wire, 'bulk', 600, 1000, 5000)).toBeDefined();
    expect(wires.offer(wire, 'bulk', 401, 1000, 5000)).toBeUndefined();
    expect(wires.offer(wire, 'bulk', 400, 1000, 5000)).toBe(1000);
  });

  it('never holds more than its limit, whatever is sent and whatever the bandwidth does', () => {
    const action = fc.record({
      wait: fc.nat(50),
      bytes: fc.integer({ min: 1, max: 500 }),
      bandwidth: fc.integer({ min: 1, max: 100 }),
    });
    fc.assert(
      fc.property(fc.array(action), (actions) => {
        const wires = createWires();
        const wire = wires.create();
        let now = 0;
        for (const { wait, bytes, bandwidth } of actions) {
          now += wait;
          wires.setBandwidth(wire, bandwidth, now);
          wires.offer(wire, 'control', bytes, 1000, now);
          expect(wires.queuedOn(wire, 'control', now)).toBeLessThanOrEqual(1000);
        }
      }),
    );
  });
});
