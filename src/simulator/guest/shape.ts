// The border between the simulator and a user's file: what it exports and every effect that it answers are checked here.

import * as v from 'valibot';
import { MACHINE_FAULTS } from '../machine-faults.ts';
import { MAX_RANKS, MAX_STEPS, whole } from '../experiment.ts';
import { ProtocolError } from './protocol-error.ts';
import type { Check, Effect, Event, FaultKind, NodeInfo, View } from './protocol.ts';

export type GuestEvent = Event<unknown, unknown>;
export type GuestEffect = Effect<unknown, unknown>;

/** A protocol that has passed the border. */
export interface GuestProtocol {
  readonly name: string;
  readonly ranks: number;
  readonly joins: number;
  readonly steps: number;
  readonly commands: readonly string[];
  readonly faults: readonly FaultKind[];
  readonly invariants: readonly (readonly [string, Check])[];
  readonly eventually: readonly (readonly [string, Check])[];
  readonly withinMs: number;
  create(node: NodeInfo): unknown;
  step(state: unknown, event: GuestEvent, now: number): unknown;
  committed(view: View): number;
}

/** What a node of the simulated network has none of: a page, memory that fills, a rendezvous, a queue that says when it is full. */
export const GUEST_FAULTS: readonly FaultKind[] = MACHINE_FAULTS.filter(
  (kind) =>
    kind !== 'hide' &&
    kind !== 'hog-cpu' &&
    kind !== 'grow-memory' &&
    kind !== 'lose-signalling' &&
    kind !== 'fill-queue',
);

const MAX_MS = 3_600_000;
const MAX_TEXT = 1000;

const name = v.pipe(
  v.string(),
  v.regex(/^[A-Za-z0-9][A-Za-z0-9-]{0,63}$/, 'Expected letters, digits and hyphens'),
);
const text = v.pipe(v.string(), v.maxLength(MAX_TEXT));
const checks = v.record(text, v.function());

const ProtocolSchema = v.strictObject({
  name,
  ranks: v.optional(whole(1, MAX_RANKS), 3),
  joins: v.optional(whole(0, MAX_RANKS), 0),
  steps: v.optional(whole(1, MAX_STEPS), 10),
  commands: v.optional(v.array(name), []),
  faults: v.optional(v.array(v.picklist(GUEST_FAULTS)), [...GUEST_FAULTS]),
  create: v.function(),
  step: v.function(),
  invariants: checks,
  eventually: v.optional(checks, {}),
  withinMs: v.optional(v.pipe(v.number(), v.minValue(1), v.maxValue(MAX_MS)), 60_000),
  committed: v.optional(v.function()),
});

/** Throws a `ProtocolError` that says what is wrong with what a file exports as `protocol`. */
export function parseProtocol(exported: unknown): GuestProtocol {
  const result = v.safeParse(ProtocolSchema, exported);
  if (!result.success) throw new ProtocolError(`The protocol is wrong at ${flaw(result.issues[0])}.`);
  const { create, step, committed, invariants, eventually, ...data } = result.output;
  const kept = Object.entries({ ...invariants, ...eventually });
  if (kept.length === 0)
    throw new ProtocolError(
      'The protocol is wrong at protocol.invariants: expected at least one invariant, found none.',
    );
  return {
    ...data,
    create: (node) => create.call(exported, node),
    step: (state, event, now) => step.call(exported, state, event, now),
    committed(view) {
      const count = committed?.call(exported, view) ?? 0;
      if (typeof count !== 'number')
        throw new ProtocolError(`protocol.committed: expected a number, found ${describe(count)}.`);
      return count;
    },
    invariants: Object.entries(invariants).map(checked),
    eventually: Object.entries(eventually).map(checked),
  };
}

/** A check that answers something else than it may is the file's mistake; so is one that throws. */
function checked([sentence, check]: readonly [string, (view: View) => unknown]): readonly [string, Check] {
  return [
    sentence,
    (view) => {
      let answer: unknown;
      try {
        answer = check(view);
      } catch (error) {
        throw new ProtocolError(`The invariant ${JSON.stringify(sentence)} threw: ${String(error)}.`);
      }
      if (typeof answer === 'boolean' || typeof answer === 'string') return answer;
      throw new ProtocolError(
        `The invariant ${JSON.stringify(sentence)} is wrong: expected true, false or a sentence, found ${describe(answer)}.`,
      );
    },
  ];
}

const node = whole(0, MAX_RANKS * 2);
const json = v.custom<unknown>(
  (value) => jsonFlaw(value, '') === undefined,
  ({ input }) => `plain JSON data, found ${jsonFlaw(input, 'at it')?.trim() ?? ''}`,
);
const ms = v.pipe(v.number(), v.minValue(0), v.maxValue(MAX_MS));
const SendSchema = v.strictObject({
  kind: v.literal('send'),
  to: v.union([node, v.literal('all')]),
  message: json,
});
const EffectSchema = v.variant('kind', [
  SendSchema,
  v.strictObject({
    kind: v.literal('store'),
    key: text,
    value: json,
    thenSend: v.exactOptional(v.array(SendSchema)),
  }),
  v.strictObject({ kind: v.literal('setTimer'), name: text, ms, upTo: v.exactOptional(ms) }),
  v.strictObject({ kind: v.literal('clearTimer'), name: text }),
  v.strictObject({ kind: v.literal('report'), what: text }),
  v.strictObject({ kind: v.literal('exit') }),
]);
const EffectsSchema = v.array(EffectSchema);

/** Throws a `ProtocolError` that says what is wrong with what a step answered; `where` says which step. */
export function parseEffects(answer: unknown, where: () => string): readonly GuestEffect[] {
  const result = v.safeParse(EffectsSchema, answer);
  if (result.success) return result.output;
  throw new ProtocolError(
    `${where()} answered something else than effects, at ${flaw(result.issues[0], 'effects')}.`,
  );
}

/** Where a value is not what JSON carries unchanged, as a path and what is there; undefined: it is. */
function jsonFlaw(value: unknown, path: string): string | undefined {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return undefined;
    case 'number':
      return Number.isFinite(value) ? undefined : `${path} ${String(value)}`;
    case 'object': {
      if (value === null) return undefined;
      if (!Array.isArray(value) && Object.getPrototypeOf(value) !== Object.prototype)
        return `${path} ${describe(value)}`;
      for (const [key, item] of Object.entries(value)) {
        const flaw = jsonFlaw(item, `${path}.${key}`);
        if (flaw !== undefined) return flaw;
      }
      return undefined;
    }
    case 'undefined':
    case 'bigint':
    case 'symbol':
    case 'function':
      return `${path} ${typeof value}`;
  }
}

function describe(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'object') return `a ${className(value)}`;
  if (typeof value === 'string') return JSON.stringify(value);
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : typeof value;
}

const className = (value: { readonly constructor?: { readonly name: string } }): string =>
  value.constructor?.name ?? 'prototype-less object';

function flaw(issue: v.BaseIssue<unknown>, root = 'protocol'): string {
  const path = [root, ...(issue.path ?? []).map(({ key }) => String(key))].join('.');
  if (issue.type === 'custom') return `${path}: expected ${issue.message}`;
  const own = /^Expected (.*)$/.exec(issue.message)?.[1]?.replace(/ but received .*$/, '');
  const expected = own ?? issue.expected ?? 'something else';
  return `${path}: expected ${expected === 'never' ? 'no such field' : expected}, found ${issue.received}`;
}
