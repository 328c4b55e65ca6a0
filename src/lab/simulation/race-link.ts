// A link to a race: the whole experiment in the fragment, which no server sees. It holds data and no code.

import { CORE_VERSION } from '../../simulator/replay.ts';

/** Longer addresses are cut by chats and mail. */
export const MAX_LINK = 16_000;

/** Where links lead: a public copy of the page, where the build names one (`VITE_PUBLIC_BASE`), else this one. */
function base(): string {
  const named: unknown = import.meta.env['VITE_PUBLIC_BASE'];
  return typeof named === 'string' && named !== '' ? named : `${location.origin}${location.pathname}`;
}

/** Undefined: it is too long for a link. */
export function raceLink(replay: string): string | undefined {
  const link = `${base()}#${replay}`;
  return link.length <= MAX_LINK ? link : undefined;
}

/** Whether a link leads somewhere only from this machine. */
export const isLocal = (link: string): boolean => {
  const { hostname } = new URL(link);
  return hostname === 'localhost' || hostname === '[::1]' || hostname.startsWith('127.');
};

export type RaceFragment =
  | { readonly kind: 'replay'; readonly text: string }
  /** Of another version of the core, or longer than a link may be. */
  | { readonly kind: 'other'; readonly found: string }
  | { readonly kind: 'too-long'; readonly characters: number };

/** What a fragment that begins with `rf` holds; undefined: it is no race. */
export function parseRaceFragment(hash: string): RaceFragment | undefined {
  const text = hash.replace(/^#/, '');
  const [, version] = /^rf(\d{1,6}):/.exec(text) ?? [];
  if (version === undefined) return undefined;
  if (text.length > MAX_LINK) return { kind: 'too-long', characters: text.length };
  return version === String(CORE_VERSION) ? { kind: 'replay', text } : { kind: 'other', found: version };
}
