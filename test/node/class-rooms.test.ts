// How a room of a class stands in the instructor's console.

import { describe, expect, it } from 'vitest';
import { roomState } from '../../src/lab/console/room-state.ts';
import type { ClassParticipant, ClassReport } from '../../src/live/classroom/messages.ts';

let ids = 0;
const person = (report: Partial<ClassReport>, how: Partial<ClassParticipant> = {}): ClassParticipant => ({
  id: ++ids,
  nickname: 'Ada',
  present: true,
  report: {
    room: 'ABCDEF',
    state: 'training',
    members: 3,
    step: 40,
    steps: 100,
    device: '?',
    faults: 0,
    ...report,
  },
  ...how,
});

describe('a room of a class', () => {
  it('has as many ranks as those say who answer: the generation of a frozen page is over', () => {
    const frozen = person({ members: 3, step: 20 }, { silent: true });
    expect(roomState([person({ members: 2 }), person({ members: 2, step: 41 }), frozen])).toEqual({
      members: 2,
      step: 41,
      steps: 100,
    });
  });

  it('is as it was last reported where nobody answers, and as nobody knows where all are away', () => {
    expect(roomState([person({}, { silent: true })])).toMatchObject({ members: 3, step: 40 });
    expect(roomState([person({}, { present: false })])).toEqual({ members: 0, step: 0, steps: 0 });
  });
});
