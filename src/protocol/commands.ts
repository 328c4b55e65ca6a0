// What a person at this rank's page asks for.

import { broadcast, reconsider, type Context } from './context.ts';
import type { Event } from './effects.ts';
import { found } from './founding.ts';
import { stop } from './stopping.ts';
import { checkpoint, wantStart } from './training.ts';

export function onCommand(ctx: Context, command: Extract<Event, { kind: 'command' }>['command']): void {
  const { state } = ctx;
  const { membership } = state;
  switch (command) {
    case 'start':
      state.autostart = true;
      state.pauseWanted = false;
      if (membership === undefined) return;
      broadcast(ctx, membership, { kind: 'start', generation: membership.generation.id });
      wantStart(ctx);
      return;
    case 'pause':
      state.autostart = false;
      if (membership === undefined || membership.running) state.pauseWanted = true;
      if (membership !== undefined) membership.startWanted = false;
      return;
    case 'checkpoint':
      state.checkpointWanted = true;
      // An engine that is being changed is no longer at the step that this rank is known to be at.
      if (
        membership !== undefined &&
        membership.barrierDone === state.training?.step &&
        state.changing === undefined
      )
        checkpoint(ctx, membership.generation.id);
      return;
    case 'leave':
      onLeave(ctx);
      return;
    case 'force':
      if (membership !== undefined && state.stuck) found(ctx, 'forced');
      return;
  }
}

function onLeave(ctx: Context): void {
  const { state } = ctx;
  const { membership } = state;
  if (membership === undefined || ctx.rules.leavesAtOnce(membership.generation.members.length)) {
    stop(ctx, 'left', 'This rank has left the room.');
    return;
  }
  state.leaving = true;
  reconsider(ctx);
}
