// Ranks in frames of this page: each a `rank.html` with its own worker and connections. A frame announces itself with a
// message port that speaks `RankHandle`, and may announce itself anew (as another member) when it has to reload.

import * as Comlink from 'comlink';
import * as v from 'valibot';
import { EXHAUSTED } from '../faults/consent.ts';
import type { Exhausted } from '../faults/consent.ts';
import { isMemberId } from '../ports/ids.ts';
import type { MemberId } from '../ports/ids.ts';
import type { RankHandle, RankOptions } from '../live/api.ts';
import { encodeRankOptions } from '../live/link.ts';
import { LabError } from './lab-error.ts';
import { toldWords } from './told-words.ts';
import { words } from './words.ts';

/** An engine on a slow machine, with nothing cached. */
const ANNOUNCE_MS = 60_000;

export interface OpenRank {
  readonly member: MemberId;
  readonly handle: RankHandle;
}

export interface FrameListener {
  /** A frame speaks for a rank; `before` is the member that the same frame spoke for until now. */
  opened(rank: OpenRank, before: MemberId | undefined): void;
  /** The rank went by itself, and its frame is removed. */
  gone(member: MemberId, how: 'close' | 'kill' | 'leave'): void;
  /** Whether a fault may really use this machine up. Absent: it may not. */
  asks?(member: MemberId, what: Exhausted): Promise<boolean>;
}

/** Where ranks come from. The lab's page opens frames; a rehearsal may bring ranks of its own. */
export interface RankFrames {
  /** Resolves when the rank has announced itself, after `opened` was called. */
  open(options: RankOptions): Promise<MemberId>;
  /** Removes the frame at once. Without `goodbye`, its peers must find out. */
  remove(member: MemberId, goodbye: boolean): void;
}

const MessageSchema = v.variant('type', [
  v.object({ type: v.literal('rankfall:rank'), member: v.pipe(v.string(), v.check(isMemberId)) }),
  v.object({ type: v.literal('rankfall:failed'), message: v.pipe(v.string(), v.maxLength(2000)) }),
  v.object({
    type: v.literal('rankfall:gone'),
    member: v.pipe(v.string(), v.check(isMemberId)),
    how: v.picklist(['close', 'kill', 'leave']),
  }),
  v.object({
    type: v.literal('rankfall:asks'),
    member: v.pipe(v.string(), v.check(isMemberId)),
    what: v.picklist(EXHAUSTED),
  }),
]);

interface Frame {
  readonly element: HTMLIFrameElement;
  member: MemberId | undefined;
  settle:
    { readonly resolve: (member: MemberId) => void; readonly reject: (error: LabError) => void } | undefined;
}

/** Opens frames inside `place`, which must stay in the document and be rendered: a hidden frame is throttled. */
export function openFramesIn(place: HTMLElement, listener: FrameListener): RankFrames {
  const frames = new Set<Frame>();

  const drop = (frame: Frame): void => {
    frames.delete(frame);
    frame.element.remove();
  };

  window.addEventListener('message', (event: MessageEvent<unknown>) => {
    if (event.origin !== location.origin) return;
    const frame = [...frames].find((candidate) => candidate.element.contentWindow === event.source);
    const message = v.safeParse(MessageSchema, event.data);
    if (frame === undefined || !message.success) return;
    hear(frame, message.output, event.ports[0]);
  });

  const hear = (
    frame: Frame,
    message: v.InferOutput<typeof MessageSchema>,
    port: MessagePort | undefined,
  ): void => {
    switch (message.type) {
      case 'rankfall:rank': {
        if (port === undefined || !isMemberId(message.member)) return;
        const before = frame.member;
        frame.member = message.member;
        const handle: RankHandle = Comlink.wrap<RankHandle>(port);
        listener.opened({ member: message.member, handle }, before);
        frame.settle?.resolve(message.member);
        return;
      }
      case 'rankfall:failed':
        drop(frame);
        frame.settle?.reject(new LabError('frame-failed', () => toldWords.told(message.message)));
        if (frame.member !== undefined) listener.gone(frame.member, 'kill');
        return;
      case 'rankfall:gone':
        drop(frame);
        if (frame.member !== undefined) listener.gone(frame.member, message.how);
        return;
      case 'rankfall:asks':
        if (port !== undefined && frame.member !== undefined)
          void (listener.asks?.(frame.member, message.what) ?? Promise.resolve(false)).then((agrees) => {
            port.postMessage(agrees);
          });
        return;
    }
  };

  return {
    async open(options) {
      const element = document.createElement('iframe');
      element.src = new URL(`rank.html${encodeRankOptions(options)}`, document.baseURI).href;
      element.title = 'One rank';
      element.tabIndex = -1;
      const frame: Frame = { element, member: undefined, settle: undefined };
      frames.add(frame);
      const announced = new Promise<MemberId>((resolve, reject) => {
        frame.settle = { resolve, reject };
      });
      const timer = setTimeout(() => {
        drop(frame);
        frame.settle?.reject(
          new LabError('frame-silent', () => words.banners.frameSilent(ANNOUNCE_MS / 1000)),
        );
      }, ANNOUNCE_MS);
      place.append(element);
      try {
        return await announced;
      } finally {
        clearTimeout(timer);
      }
    },

    remove(member, goodbye) {
      const frame = [...frames].find((candidate) => candidate.member === member);
      if (frame === undefined) return;
      if (!goodbye) {
        frame.element.contentWindow?.rankfallPage?.suppressGoodbye();
      }
      drop(frame);
    },
  };
}
