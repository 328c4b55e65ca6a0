// Carries held-out accuracy from the rank that measured it to the other ranks of the room in this browser profile.

import * as v from 'valibot';
import type { EvaluationShare } from './host-ports.ts';

const EvaluationSchema = v.strictObject({
  incarnation: v.string(),
  step: v.pipe(v.number(), v.integer(), v.minValue(0)),
  accuracy: v.pipe(v.number(), v.minValue(0), v.maxValue(1)),
  loss: v.pipe(v.number(), v.finite()),
});

export function broadcastEvaluations(room: string): EvaluationShare {
  const channel = new BroadcastChannel(`rankfall:evaluations:${room}`);
  return {
    publish({ step, accuracy, loss }, incarnation) {
      channel.postMessage({ step, accuracy, loss, incarnation });
    },
    subscribe(received) {
      channel.onmessage = ({ data }: MessageEvent<unknown>) => {
        const parsed = v.safeParse(EvaluationSchema, data);
        if (!parsed.success) return;
        const { incarnation, ...point } = parsed.output;
        received(point, incarnation);
      };
    },
  };
}
