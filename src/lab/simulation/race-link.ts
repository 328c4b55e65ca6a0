// A link to a race: the whole experiment in the fragment, which no server sees. It holds data and no code.

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
  | { readonly kind: 'race'; readonly text: string }
  /** Longer than a link may be. */
  | { readonly kind: 'too-long'; readonly characters: number };

/** What a fragment that begins with `rf` and a number holds; undefined: it is no race. What is in it is read where it is opened. */
export function parseRaceFragment(hash: string): RaceFragment | undefined {
  const text = hash.replace(/^#/, '');
  if (!/^rf\d{1,6}:/.test(text)) return undefined;
  return text.length > MAX_LINK ? { kind: 'too-long', characters: text.length } : { kind: 'race', text };
}
