// What page and worker say to each other over a MessagePort: the page finds peers and owns connections, the worker owns the
// channels. Links over other carriers (see fallback/) live in the worker alone and go through the same authentication. Both sides
// validate what they receive.

import * as v from 'valibot';
import type { LinkRole } from './handshake.ts';
import type { SignallingState } from './signalling-state.ts';

/** Counts the links that a page has opened, from 0. */
const linkId = v.pipe(v.number(), v.integer(), v.minValue(0));

const isChannel = (value: unknown): value is RTCDataChannel =>
  typeof RTCDataChannel !== 'undefined' && value instanceof RTCDataChannel;

const role = v.picklist(['caller', 'callee'] satisfies LinkRole[]);
const problem = v.picklist(['unreachable', 'lost', 'refused', 'full', 'unsupported']);

const SignallingStateSchema = v.variant('state', [
  v.strictObject({ state: v.literal('connecting') }),
  v.strictObject({ state: v.literal('open'), slot: v.number() }),
  v.strictObject({ state: v.literal('retrying'), problem, message: v.string(), retryInMs: v.number() }),
  v.strictObject({ state: v.literal('failed'), problem, message: v.string() }),
]) satisfies v.GenericSchema<unknown, SignallingState>;

const PageMessageSchema = v.variant('kind', [
  /** A connection in the making. The channels travel with the message, which is only possible right after their creation. */
  v.strictObject({
    kind: v.literal('link'),
    link: linkId,
    role,
    control: v.custom<RTCDataChannel>(isChannel),
    bulk: v.custom<RTCDataChannel>(isChannel),
  }),
  /** What binds the handshake to this connection; known before any channel of it opens. */
  v.strictObject({ kind: v.literal('bound'), link: linkId, local: v.string(), remote: v.string() }),
  v.strictObject({
    kind: v.literal('down'),
    link: linkId,
    evidence: v.picklist(['goodbye', 'ice', 'channel-closed']),
  }),
  v.strictObject({ kind: v.literal('signalling'), signalling: SignallingStateSchema }),
  /** So many calls and greetings came that these were not heard. */
  v.strictObject({ kind: v.literal('turned-away'), count: v.pipe(v.number(), v.integer(), v.minValue(1)) }),
]);

/** From the page to the worker. */
export type PageMessage = v.InferOutput<typeof PageMessageSchema>;

const WorkerMessageSchema = v.variant('kind', [
  /** The worker listens: the page may send links. */
  v.strictObject({ kind: v.literal('ready') }),
  /** The peer has proved the room's secret. */
  v.strictObject({ kind: v.literal('linked'), link: linkId }),
  /**
   * Close the connection. `later`: for a reason that trying again at once would only meet again; `seldom`: the pages are linked over
   * another carrier, and a direct connection would merely be better; `never`: a newer connection has come in its place.
   */
  v.strictObject({
    kind: v.literal('close'),
    link: linkId,
    again: v.picklist(['soon', 'later', 'seldom', 'never']),
  }),
  /** Say goodbye on every link and close everything. */
  v.strictObject({ kind: v.literal('close-all') }),
]);

/** From the worker to the page. */
export type WorkerMessage = v.InferOutput<typeof WorkerMessageSchema>;

export type Parsed<T> =
  { readonly ok: true; readonly message: T } | { readonly ok: false; readonly detail: string };

function parse<T>(schema: v.GenericSchema<unknown, T>, data: unknown): Parsed<T> {
  const result = v.safeParse(schema, data);
  if (result.success) return { ok: true, message: result.output };
  return { ok: false, detail: v.summarize(result.issues) };
}

export const parsePageMessage = (data: unknown): Parsed<PageMessage> => parse(PageMessageSchema, data);
export const parseWorkerMessage = (data: unknown): Parsed<WorkerMessage> => parse(WorkerMessageSchema, data);
