// What the server has refused, for whoever runs it: counted, and said at most once in ten seconds, however much it is.

/** Why, in the words of the line that says it. */
const WORDS = {
  connections: 'connections beyond the share of one network',
  places: 'pages beyond the places of one network or room',
  messages: 'messages that no page sends, or too many of them',
  addresses: 'requests for an address that is none',
  sites: 'pages of another site',
} as const;
type ServerRefusal = keyof typeof WORDS;
export type CountRefusal = (why: ServerRefusal, network: string) => void;

export interface Refusals {
  readonly count: CountRefusal;
  close(): void;
}

const EVERY_MS = 10_000;
/** Networks that are told apart; further ones are counted together. */
const MAX_NETWORKS = 64;

export function createRefusals(say: (line: string) => void): Refusals {
  const counts = new Map<ServerRefusal, Map<string, number>>();
  let saying: NodeJS.Timeout | undefined;

  function tell(): void {
    saying = undefined;
    for (const [why, byNetwork] of counts) {
      const all = [...byNetwork.values()].reduce((sum, count) => sum + count, 0);
      const [most] = [...byNetwork].sort(([, a], [, b]) => b - a);
      say(`Refused in ${EVERY_MS / 1000} s: ${all} ${WORDS[why]}, most from ${most?.[0] ?? ''}.`);
    }
    counts.clear();
  }

  return {
    count(why, network) {
      const byNetwork = counts.get(why) ?? new Map<string, number>();
      counts.set(why, byNetwork);
      const from = byNetwork.has(network) || byNetwork.size < MAX_NETWORKS ? network : 'others';
      byNetwork.set(from, (byNetwork.get(from) ?? 0) + 1);
      saying ??= setTimeout(tell, EVERY_MS).unref();
    },
    close() {
      clearTimeout(saying);
      if (saying !== undefined) tell();
    },
  };
}
