// One string that holds a whole experiment, as people paste it and links carry it: `rf1:`, and what is packed: the replay, which names the
// version of the core that ran it, and how it was seen. The latter is drawn by any version; the replay is for the core that wrote it.

import * as v from 'valibot';
import { CondensedDiagramSchema, CondensedError, expand } from '../trace/condensed.ts';
import type { Diagram } from '../trace/diagram.ts';
import { CORE_VERSION } from './core-version.ts';
import { unpack } from './packed.ts';
import { readAs, readJson, ReplayError } from './replay-error.ts';

const MAX_REASON = 2000;
/** The 1 is the version of what is said here, not of the core: that stands in the replay. */
export const PASTED_PREFIX = 'rf1:';
const ANY_PREFIX = /^rf\d{1,6}:/;

const ReplayOfSomeCoreSchema = v.looseObject({ core: v.pipe(v.number(), v.integer(), v.minValue(1)) });

/** What is packed. It stays readable, whatever becomes of the core. */
export const PastedSchema = v.strictObject({
  replay: ReplayOfSomeCoreSchema,
  recorded: v.optional(
    v.strictObject({
      verdict: v.picklist(['held', 'violated', 'unrecoverable']),
      reason: v.optional(v.pipe(v.string(), v.maxLength(MAX_REASON))),
      diagram: CondensedDiagramSchema,
    }),
  ),
});
/** How a run was seen where it was run. */
export interface Recorded {
  readonly verdict: 'held' | 'violated' | 'unrecoverable';
  readonly reason: string | undefined;
  readonly diagram: Diagram;
  /** So many events of the beginning are not in the diagram. */
  readonly skipped: number;
}

export interface Pasted {
  readonly core: number;
  readonly replay: unknown;
  /** Undefined: it was too much to carry. */
  readonly recorded: Recorded | undefined;
}

/** A replay of another version of the core: here it would be another run. What was seen of it can be shown. */
export class OtherCoreError extends Error {
  override readonly name = 'OtherCoreError';
  constructor(
    readonly core: number,
    readonly recorded: Recorded | undefined,
  ) {
    super(
      `The replay is of version ${core} of the protocol's core, in which it was recorded: expected version ${CORE_VERSION}, which runs here and would make another run of it.`,
    );
  }
}

export const isPasted = (text: string): boolean => ANY_PREFIX.test(text);

/** Undefined: the text is no such string. Throws a `ReplayError`. */
export function parsePasted(text: string): Pasted | undefined {
  const [prefix] = ANY_PREFIX.exec(text) ?? [];
  if (prefix === undefined) return undefined;
  if (prefix !== PASTED_PREFIX) throw new ReplayError('character 0', PASTED_PREFIX, prefix);
  const content = readJson(unpack(text.slice(prefix.length), prefix.length));
  // Before a diagram came along, the string was the replay alone.
  const isBare = typeof content === 'object' && content !== null && 'format' in content;
  const { replay, recorded } = readAs(PastedSchema, isBare ? { replay: content } : content);
  return { core: replay.core, replay, recorded: recorded === undefined ? undefined : seen(recorded) };
}

function seen({
  verdict,
  reason,
  diagram,
}: NonNullable<v.InferOutput<typeof PastedSchema>['recorded']>): Recorded {
  try {
    return { verdict, reason, diagram: expand(diagram), skipped: diagram.skipped };
  } catch (error) {
    if (!(error instanceof CondensedError)) throw error;
    throw new ReplayError(`recorded.diagram.${error.place}`, error.expected, error.found);
  }
}
