// The lab's address: what it says is followed, and what it says wrongly costs one sentence and nothing else.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DEFAULT_JOB } from '../../src/job/job.ts';
import { MAX_LOCAL_RANKS, parseLabQuery } from '../../src/lab/query.ts';

describe("the lab's address", () => {
  it('asks for one rank, any engine and the usual job when it says nothing', () => {
    expect(parseLabQuery('')).toEqual({
      engine: 'auto',
      ranks: 1,
      autostart: false,
      tune: true,
      signal: undefined,
      ice: undefined,
      job: DEFAULT_JOB,
      complaints: [],
    });
  });

  it('may choose engine, ranks, start, steps, seed and name', () => {
    const query = parseLabQuery('?engine=cpu&ranks=4&autostart=1&steps=60&seed=7&name=class+3');
    expect(query.complaints).toEqual([]);
    expect(query).toMatchObject({ engine: 'cpu', ranks: 4, autostart: true });
    expect(query.job).toEqual({ ...DEFAULT_JOB, steps: 60, seed: 7, name: 'class 3' });
  });

  it('may ask for chaos, and a poisoned one costs a sentence', () => {
    expect(parseLabQuery('?chaos=2.5:7:kill,cut').chaos).toEqual({
      seed: 7,
      everyMs: 2500,
      kinds: ['kill', 'cut'],
    });
    expect(parseLabQuery('?chaos=10').chaos).toMatchObject({ seed: 1, everyMs: 10_000 });
    for (const text of [
      '0',
      '0.1',
      '10:x',
      '10:7:',
      '10:7:kill,__proto__',
      '10:99999999999',
      '1e9',
      '10:7:nan',
    ]) {
      const query = parseLabQuery(`?chaos=${encodeURIComponent(text)}`);
      expect(query.chaos).toBeUndefined();
      expect(query.complaints).toHaveLength(1);
    }
  });

  it('may choose how gradients travel', () => {
    const { job, complaints } = parseLabQuery('?wire=narrow:8&overlap=0');
    expect(complaints).toEqual([]);
    expect(job).toEqual({ ...DEFAULT_JOB, wire: { format: 'narrow', bits: 8 }, overlap: false });
  });

  it('may name a PeerServer, and servers for STUN and TURN', () => {
    const search = new URLSearchParams({
      signal: 'https://peers.example.org/meet',
      ice: 'stun:example.org,turn:u:p@example.org',
    });
    expect(parseLabQuery(`?${search.toString()}`)).toMatchObject({
      signal: 'https://peers.example.org/meet',
      ice: 'stun:example.org,turn:u:p@example.org',
      complaints: [],
    });
  });

  it.each([
    '?engine=quantum',
    '?ranks=0',
    `?ranks=${MAX_LOCAL_RANKS + 1}`,
    '?ranks=two',
    '?ranks=1.5',
    '?autostart=yes',
    '?steps=0',
    '?steps=1e3',
    '?seed=-1',
    '?seed=4294967296',
    '?name=%3Cscript%3E',
    '?wire=narrow',
    '?wire=narrow:99',
    '?overlap=yes',
    '?colour=blue',
    '?signal=peers.example.org',
    '?signal=ftp%3A%2F%2Fpeers.example.org',
    '?ice=turn%3Aturn.example.org',
    '?ice=http%3A%2F%2Fexample.org',
  ])('says in one sentence what is wrong with %s, and goes on with the default', (search) => {
    const { complaints, ...rest } = parseLabQuery(search);
    expect(complaints).toHaveLength(1);
    expect(complaints[0]?.()).toMatch(/^The address says .*\.$/);
    const { complaints: _, ...usual } = parseLabQuery('');
    expect(rest).toEqual(usual);
  });

  it('never throws, and never lets a stranger’s text grow a sentence', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.string(), fc.string({ maxLength: 500 }))), (pairs) => {
        const { complaints } = parseLabQuery(`?${new URLSearchParams(pairs).toString()}`);
        for (const complaint of complaints) expect(complaint().length).toBeLessThan(200);
      }),
    );
  });
});
