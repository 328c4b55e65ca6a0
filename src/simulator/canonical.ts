// Fingerprints of plain data: equal states have equal fingerprints, whatever the order of their maps.

import { mix32 } from '../collective/digest.ts';

/** 64 bits: among a million states two collide with a chance of 3 in 10^8. */
interface Hash {
  readonly a: number;
  readonly b: number;
}

/**
 * A function that gives equal fingerprints to equal values. A value must not be changed once it was fingerprinted: objects are
 * remembered by identity, so that what two states share is hashed once. The key `job` is left out: it is constant.
 */
export function createFingerprints(): (value: unknown) => string {
  const remembered = new WeakMap<object, Hash>();

  function hash(value: unknown): Hash {
    switch (typeof value) {
      case 'string':
        return hashText(value);
      case 'number':
        return SMALL[value] ?? hashNumber(value);
      case 'boolean':
        return value ? YES : NO;
      case 'object': {
        if (value === null) return NULL;
        let known = remembered.get(value);
        if (known === undefined) {
          known = hashObject(value);
          remembered.set(value, known);
        }
        return known;
      }
      case 'undefined':
      case 'bigint':
      case 'symbol':
      case 'function':
        return OTHER;
    }
  }

  function hashObject(value: object): Hash {
    if (value instanceof Int32Array || value instanceof Uint8Array) {
      let [a, b] = [value.length, 15];
      for (const word of value) {
        a = mix32(a ^ word);
        b = mix32(b + word);
      }
      return { a, b };
    }
    if (Array.isArray(value)) {
      let [a, b] = [value.length, 16];
      for (const item of value) {
        const h = hash(item);
        a = mix32(a ^ h.a);
        b = mix32(b + h.b);
      }
      return { a, b };
    }
    // Sums do not depend on the order of the entries.
    let [a, b] = [17, 18];
    const add = (key: unknown, item: unknown): void => {
      const [k, h] = [hash(key), hash(item)];
      a = (a + mix32(mix32(k.a) ^ h.a)) | 0;
      b = (b + mix32(mix32(k.b) + h.b)) | 0;
    };
    if (value instanceof Map) for (const [key, item] of value as Map<unknown, unknown>) add(key, item);
    else if (value instanceof Set) for (const key of value as Set<unknown>) add(key, true);
    else
      for (const key in value) {
        const item = (value as Readonly<Record<string, unknown>>)[key];
        if (item !== undefined && key !== 'job') add(key, item);
      }
    return combine(19, a, b);
  }

  const texts = new Map<string, Hash>();
  function hashText(text: string): Hash {
    let known = texts.get(text);
    if (known === undefined) {
      let [a, b] = [text.length, 20];
      for (let i = 0; i < text.length; i++) {
        const code = text.charCodeAt(i);
        a = mix32(a ^ code);
        b = mix32(b + code);
      }
      known = { a, b };
      texts.set(text, known);
    }
    return known;
  }

  return (value) => {
    const { a, b } = hash(value);
    return `${(a >>> 0).toString(36)}.${(b >>> 0).toString(36)}`;
  };
}

const combine = (tag: number, x: number, y: number): Hash => ({
  a: mix32(mix32(tag) ^ x) ^ mix32(y ^ tag),
  b: mix32(mix32(tag + 100) + x) ^ mix32(y + tag),
});

const hashNumber = (value: number): Hash =>
  value === -Infinity ? combine(21, 0, 0) : combine(11, value | 0, Math.floor(value / 0x1_0000_0000) | 0);

// Most of what is hashed are these: their hashes are made once.
const SMALL: readonly Hash[] = Array.from({ length: 1024 }, (_, value) => hashNumber(value));
const YES = combine(12, 1, 1);
const NO = combine(12, 0, 0);
const NULL = combine(13, 0, 0);
const OTHER = combine(14, 0, 0);
