// One WebSocket to the class's server: messages out, validated messages in. Used by participants and by the console.

import { CLASS_SOCKET, parseToPage } from '../../live/classroom/messages.ts';
import type { ToPage, ToServer } from '../../live/classroom/messages.ts';

export interface Line {
  say(message: ToServer): void;
  hangUp(): void;
}

export interface LineListener {
  /** The line is open. */
  opened(line: Line): void;
  heard(message: ToPage, line: Line): void;
  /** It ended, or never came to be. Not called after `hangUp`. */
  ended(): void;
}

export function openLine(listener: LineListener): Line {
  const address = new URL(CLASS_SOCKET, document.baseURI);
  address.protocol = address.protocol === 'https:' ? 'wss:' : 'ws:';
  const socket = new WebSocket(address);
  let isOurs = true;
  const line: Line = {
    say(message) {
      if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
    },
    hangUp() {
      isOurs = false;
      socket.close();
    },
  };
  socket.addEventListener('open', () => {
    if (isOurs) listener.opened(line);
  });
  socket.addEventListener('message', ({ data }: MessageEvent<unknown>) => {
    const message = typeof data === 'string' ? parseToPage(data) : undefined;
    // Of another version of the server, or of no server of ours: what is not understood is not acted on.
    if (isOurs && message !== undefined) listener.heard(message, line);
  });
  socket.addEventListener('close', () => {
    if (!isOurs) return;
    isOurs = false;
    listener.ended();
  });
  return line;
}

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 5000;

/** A line that is opened anew whenever it ends, ever later up to five seconds, until it is hung up. */
export function keepLine(listener: LineListener): Line {
  let wait = FIRST_WAIT_MS;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isOver = false;
  let line: Line | undefined;
  const open = (): void => {
    line = openLine({
      opened: (opened) => listener.opened(opened),
      heard(message, from) {
        wait = FIRST_WAIT_MS;
        listener.heard(message, from);
      },
      ended() {
        if (isOver) return;
        listener.ended();
        timer = setTimeout(open, wait);
        wait = Math.min(LONGEST_WAIT_MS, wait * 2);
      },
    });
  };
  open();
  return {
    say: (message) => line?.say(message),
    hangUp() {
      isOver = true;
      clearTimeout(timer);
      line?.hangUp();
    },
  };
}
