// Records what a rank's core is told and answers, compressed as it grows, from the first input on. A recording that has
// reached its limit ends there and says so: a core cannot be run from the middle.

import type { MemberId, SeatId } from '../ports/ids.ts';
import { createRecordingWriter } from '../protocol/recording/writer.ts';
import type { TraceEvent } from '../trace/events.ts';
import type { Core } from './host-ports.ts';
import { messageOf } from './message-of.ts';

/** Text is compressed this much at a time. */
const BLOCK_CHARACTERS = 512 * 1024;
/** Characters before compression, of which some 15 make a byte. An hour of training and more. */
const MAX_CHARACTERS = 512 * 1024 * 1024;

export interface Recorder {
  /** The core that was given, recorded. */
  readonly core: Core;
  /** What the host logs beside its core. */
  noted(event: TraceEvent): void;
  /** The recording so far: gzip, whose members may be joined with those of other ranks. */
  read(): Promise<Uint8Array<ArrayBuffer>>;
}

export interface RecorderOptions {
  readonly self: { readonly member: MemberId; readonly seat: SeatId };
  readonly core: Core;
  readonly now: () => number;
  /** Milliseconds since the epoch. */
  readonly wallClock: () => number;
  readonly limit?: number;
}

export function createRecorder({
  self,
  core,
  now,
  wallClock,
  limit = MAX_CHARACTERS,
}: RecorderOptions): Recorder {
  /** Whole milliseconds: a core that is told fractions would need them all to be kept. */
  const whole = (ms: number): number => Math.floor(ms);
  const { first, writer } = createRecordingWriter(self, wallClock(), whole(now()));
  const blocks: Promise<Uint8Array<ArrayBuffer>>[] = [];
  let lines: string[] = [first];
  let characters = first.length;
  let inBlock = first.length;
  let full = false;

  const write = (line: string): void => {
    lines.push(line);
    characters += line.length;
    inBlock += line.length;
    if (characters > limit) {
      full = true;
      lines.push(writer.end('full'));
    }
    if (inBlock < BLOCK_CHARACTERS && !full) return;
    blocks.push(gzip(lines));
    lines = [];
    inBlock = 0;
  };

  return {
    core: {
      step(event, at) {
        const time = whole(at);
        if (full) return core.step(event, time);
        writer.input(event, time);
        try {
          const effects = core.step(event, time);
          write(writer.answered(effects));
          return effects;
        } catch (error) {
          write(writer.threw(messageOf(error)));
          throw error;
        }
      },
      view: (at) => core.view(whole(at)),
    },
    noted(event) {
      if (full) return;
      const line = writer.note(event, whole(now()));
      if (line !== undefined) write(line);
    },
    async read() {
      const rest = full ? [] : [gzip([...lines, writer.end('open')])];
      return joined(await Promise.all([...blocks, ...rest]));
    },
  };
}

/** Lines as gzip; what several calls make may be joined. */
export async function gzip(lines: readonly string[]): Promise<Uint8Array<ArrayBuffer>> {
  const text = new Blob([lines.map((line) => `${line}\n`).join('')]);
  const stream = text.stream().pipeThrough(new CompressionStream('gzip'));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** Gzip members one after the other are gzip. */
export function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
