// The smallest race. Each node greets whom it is linked to, and means to do so once. Copy it; docs/your-own-race.md goes on from here.
import type { Protocol } from 'rankfall/protocol';

export const protocol: Protocol<{ heard: number[] }, 'hello'> = {
  name: 'hello',
  create: () => ({ heard: [] }),
  step(state, event) {
    if (event.kind === 'message') state.heard.push(event.from);
    return event.kind === 'linkUp' ? [{ kind: 'send', to: event.peer, message: 'hello' }] : [];
  },
  invariants: {
    'nobody is greeted twice by the same node': ({ nodes }) =>
      nodes.every(({ state: { heard } }) => new Set(heard).size === heard.length),
  },
};
