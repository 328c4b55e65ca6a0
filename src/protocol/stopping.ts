// How a rank's part ends: for a reason that it names.

import type { StopReason } from '../trace/events.ts';
import { report, setPhase, type Context } from './context.ts';

export function stop(ctx: Context, reason: StopReason, detail: string): void {
  const { state } = ctx;
  if (state.stopped !== undefined) return;
  state.stopped = { reason, detail };
  state.problem = detail;
  report(ctx, { kind: 'stopped', reason, detail });
  setPhase(ctx, 'stopped');
}
