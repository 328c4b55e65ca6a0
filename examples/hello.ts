import type { Protocol } from 'rankfall/protocol'; // The smallest race. docs/your-own-race.md goes on from here.
export const protocol: Protocol<number[], 'hello'> = {
  name: 'hello',
  create: () => [],
  step(heard, event) {
    if (event.kind === 'message') heard.push(event.from);
    return event.kind === 'linkUp' ? [{ kind: 'send', to: event.peer, message: 'hello' }] : [];
  },
  invariants: { 'greeted once': ({ nodes }) => nodes.every(({ state: s }) => new Set(s).size === s.length) },
};
