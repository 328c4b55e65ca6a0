// Protocols that somebody brings: the races of examples/ are found, made small, replayed and drawn, and their remedies hold.
// docs/races.md is what comes of it. After a change that is meant: npx vitest run --project node test/node/simulator/your-own-protocol.test.ts -u

import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { loadProtocol } from '../../../src/cli/guest/load.ts';
import { drawGuest } from '../../../src/simulator/guest/drawing.ts';
import { drawGuestExperiment, GuestExperimentSchema } from '../../../src/simulator/guest/experiment.ts';
import { runGuest, runGuestTwice } from '../../../src/simulator/guest/run.ts';
import { GUEST_FAULTS, parseProtocol, type GuestProtocol } from '../../../src/simulator/guest/shape.ts';
import { guestReplayOf, replayGuest, shrinkGuest } from '../../../src/simulator/guest/shrink.ts';
import { guestStory } from '../../../src/simulator/guest/story.ts';
import { pasteable } from '../../../src/simulator/pasteable.ts';
import { parseReplayOf } from '../../../src/simulator/replay.ts';
import { spaceTimeSvg } from '../../../src/trace/space-time.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const COMMAND = join(ROOT, 'src/cli/rankfall.mjs');
const MANY = 300;
/** A clock that stands still: shrinking ends when nothing smaller fails, and so always in the same way. */
const UNHURRIED = { now: () => 0, budgetMs: 1 };

const RACES = [
  {
    file: 'examples/hello.ts',
    tells: 'A node that starts again, or is linked again, is greeted again.',
    atMost: 1,
  },
  {
    file: 'examples/horovod-elastic.ts',
    tells:
      'Horovod (horovod#3494): one of two workers leaves, which is below the minimum. The survivor, interrupted by a removal alone, skips ' +
      'the sync. The newcomer that makes up for the leaver syncs. Each waits in another collective, for ever.',
    atMost: 4,
  },
  {
    file: 'examples/torchft-quorum.ts',
    tells:
      'torchft (meta-pytorch/torchft#71): with a minimum of two of four, two replicas form a quorum and train, while the other two load their ' +
      'models. Those ask while the first two are busy, and form a quorum of their own: both commit step 0.',
    atMost: 10,
  },
] as const;

function firstFailing(protocol: GuestProtocol, hash: string): number {
  for (let seed = 1; seed <= MANY; seed++)
    if (runGuest(protocol, drawGuestExperiment(seed, protocol, hash)).verdict === 'violated') return seed;
  throw new Error(`No seed of ${MANY} breaks ${protocol.name}.`);
}

const races = await Promise.all(
  RACES.map(async (race) => {
    const { protocol, hash } = await loadProtocol(join(ROOT, race.file));
    const seed = firstFailing(protocol, hash);
    const found = guestReplayOf(protocol, drawGuestExperiment(seed, protocol, hash));
    return {
      ...race,
      name: protocol.name,
      protocol,
      seed,
      found,
      small: shrinkGuest(protocol, found, UNHURRIED),
    };
  }),
);

describe('the races of examples/', () => {
  it.each(races)('$name: the swarm finds its race, the same twice', ({ protocol, found }) => {
    expect(runGuestTwice(protocol, found.experiment).invariant).toBe(found.invariant);
  });

  it.each(races)('$name: its race shrinks to at most $atMost decisions', ({ small, found, atMost }) => {
    expect(small.size).toBeLessThanOrEqual(atMost);
    expect(small.replay.invariant).toBe(found.invariant);
  });

  it.each(races)('$name: its race comes back from one pasted string', ({ protocol, small }) => {
    const replay = parseReplayOf(GuestExperimentSchema, pasteable(small.replay) ?? '');
    expect(replayGuest(protocol, replay, { hash: true }).traceHash).toBe(small.replay.traceHash);
  });

  it('are told and drawn in the documentation as they run', async () => {
    const sections: string[] = [];
    for (const { name, tells, file, protocol, seed, small } of races) {
      const drawing = drawGuest();
      await expect(
        spaceTimeSvg(drawing.diagram(replayGuest(protocol, small.replay, drawing))),
      ).toMatchFileSnapshot(`../../../docs/races/${name}.svg`);
      sections.push(
        `## ${name}\n\n${tells}\n\n` +
          `\`npx rankfall hunt --protocol ${file}\` finds it at seed ${seed}, and leaves ${small.size} decision${small.size === 1 ? '' : 's'} of it:\n\n` +
          `\`\`\`\n${guestStory(protocol, small.replay).join('\n')}\n\`\`\`\n\n![The same, drawn](races/${name}.svg)\n\n` +
          `\`\`\`\nnpx rankfall replay --protocol ${file} ${pasteable(small.replay) ?? ''}\n\`\`\`\n`,
      );
    }
    const introduction =
      "# Other people's races\n\nFound, made small, told and drawn by the simulator, in protocols written from their public descriptions " +
      '([how to write one](your-own-race.md)). A test\nkeeps every line of this page as the simulator tells it today.\n';
    await expect([introduction, ...sections].join('\n')).toMatchFileSnapshot('../../../docs/races.md');
  });

  it.each(['examples/horovod-elastic-fixed.ts', 'examples/torchft-quorum-fixed.ts'])(
    `%s holds for ${MANY} seeds`,
    async (file) => {
      const { protocol, hash } = await loadProtocol(join(ROOT, file));
      for (let seed = 1; seed <= MANY; seed++) {
        const { verdict, reason } = runGuest(protocol, drawGuestExperiment(seed, protocol, hash));
        expect(verdict, `seed ${seed}: ${reason ?? ''}`).toBe('held');
      }
    },
  );

  it('begin with one that the guide has word for word', () => {
    const guide = readFileSync(join(ROOT, 'docs/your-own-race.md'), 'utf8');
    const code = readFileSync(join(ROOT, 'examples/hello.ts'), 'utf8').trim();
    expect(/```ts\n([^`]*)\n```/.exec(guide)?.[1]).toBe(code);
  });

  it('can be struck by every fault that the guide names, and by no other', () => {
    const guide = readFileSync(join(ROOT, 'docs/your-own-race.md'), 'utf8');
    const named = /The kinds: ([^]*?)Writes in flight/.exec(guide)?.[1]?.match(/`[a-z-]+`/g) ?? [];
    expect(named.sort()).toEqual(GUEST_FAULTS.map((kind) => `\`${kind}\``).sort());
  });

  it('are each told in fewer than 200 lines, and the first in ten', () => {
    const lengths = races.map(
      ({ file }) => readFileSync(join(ROOT, file), 'utf8').trimEnd().split('\n').length,
    );
    expect(Math.max(...lengths)).toBeLessThan(200);
    expect(lengths[0]).toBe(10);
  });
});

describe('a protocol of your own', () => {
  const folder = mkdtempSync(join(tmpdir(), 'rankfall-protocol-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const write = (name: string, text: string): string => {
    const path = join(folder, name);
    writeFileSync(path, text);
    return path;
  };
  const STILL = `name: 'still', create: () => ({}), step: () => [], invariants: { 'all is well': () => true }`;

  it.each(['.ts', '.mts', '.mjs', '.js'])('loads from a %s file in any folder', async (ending) => {
    const path = write(`still${ending}`, `export const protocol = { ${STILL} };\n`);
    const { protocol, hash } = await loadProtocol(path);
    expect(runGuestTwice(protocol, drawGuestExperiment(1, protocol, hash)).verdict).toBe('held');
  });

  it('has another hash when a file beside it that it imports has changed', async () => {
    const path = write(
      'two-files.ts',
      `import { name } from './its-name.ts';\nexport const protocol = { ${STILL}, name };\n`,
    );
    write('its-name.ts', `export const name = 'one';\n`);
    const before = await loadProtocol(path);
    write('its-name.ts', `export const name = 'two';\n`);
    expect((await loadProtocol(path)).hash).not.toBe(before.hash);
  });

  it.each([
    ['a file that is not there', undefined, 'cannot be read'],
    ['a syntax error', 'export const = 1;', 'cannot be loaded'],
    ['another name', 'export const other = 1;', 'expected "export const protocol", found other'],
    [
      'a missing function',
      `export const protocol = { ${STILL}, step: 1 };`,
      'protocol.step: expected Function, found 1',
    ],
    [
      'a field too many',
      `export const protocol = { ${STILL}, invariant: {} };`,
      'protocol.invariant: expected no such field',
    ],
    [
      'no invariant',
      `export const protocol = { ${STILL}, invariants: {} };`,
      'expected at least one invariant',
    ],
    [
      'an unknown fault',
      `export const protocol = { ${STILL}, faults: ['flood'] };`,
      'protocol.faults.0: expected ("close"',
    ],
  ])('is refused with the place and what was expected: %s', async (what, text, message) => {
    const name = `${what.replaceAll(' ', '-')}.ts`;
    const path = text === undefined ? join(folder, name) : write(name, text);
    await expect(loadProtocol(path)).rejects.toThrow(message);
  });

  const running = (change: object): (() => unknown) => {
    const protocol = parseProtocol({
      name: 'tried',
      create: () => ({}),
      step: () => [],
      invariants: { 'all is well': () => true },
      ...change,
    });
    return () => runGuestTwice(protocol, drawGuestExperiment(1, protocol, '0'.repeat(64)));
  };

  it.each([
    ['an effect that there is not', { step: () => [{ kind: 'sned' }] }, 'effects.0.kind: expected ("send"'],
    ['no effects at all', { step: () => undefined }, 'effects: expected Array, found undefined'],
    ['a promise', { step: async () => [] }, 'effects: expected Array, found Promise'],
    [
      'a message that JSON cannot carry',
      { step: () => [{ kind: 'send', to: 'all', message: { votes: new Map() } }] },
      'effects.0.message: expected plain JSON data, found at it.votes a Map',
    ],
    ['a node that there is not', { step: () => [{ kind: 'send', to: 70, message: 1 }] }, 'sends to node 70'],
    [
      'an invariant without an answer',
      { invariants: { quiet: () => undefined } },
      'expected true, false or a sentence',
    ],
    [
      'chance',
      { step: () => [{ kind: 'report', what: String(Math.random()) }] },
      'Seed 1 came out differently the second time, from event 1 on (node 0, at 0 ms, on "start")',
    ],
  ])('stops the search with a sentence when a step answers wrongly: %s', (_, change, message) => {
    expect(running(change)).toThrow(message);
  });

  it('violates "no step throws" where one does, and that shrinks like any other', () => {
    const protocol = parseProtocol({
      name: 'thrower',
      create: () => ({}),
      step(_: unknown, event: { readonly kind: string }) {
        if (event.kind === 'linkDown') throw new Error('nobody there');
        return [];
      },
      invariants: { 'all is well': () => true },
    });
    const seed = firstFailing(protocol, '0'.repeat(64));
    const found = guestReplayOf(protocol, drawGuestExperiment(seed, protocol, '0'.repeat(64)));
    expect(found.reason).toMatch(/The protocol threw at node \d, on "linkDown": Error: nobody there/);
    expect(shrinkGuest(protocol, found, UNHURRIED).size).toBe(1);
  });

  it('finds what it stored when it starts again, and has forgotten the rest', () => {
    const protocol = parseProtocol({
      name: 'counter',
      faults: ['reload'],
      create: () => ({ lives: 0 }),
      step(state: { lives: number }, event: { readonly kind: string; readonly stored?: { lives?: number } }) {
        if (event.kind !== 'start') return [];
        state.lives = (event.stored?.lives ?? 0) + 1;
        return [{ kind: 'store', key: 'lives', value: state.lives }];
      },
      invariants: {
        'nobody lives twice': ({ nodes }: { nodes: { state: { lives: number } }[] }) =>
          nodes.every(({ state }) => state.lives < 2),
      },
    });
    expect(firstFailing(protocol, '0'.repeat(64))).toBeLessThan(MANY);
  });

  const rankfall = (
    ...args: string[]
  ): Promise<{ readonly status: number; readonly out: string; readonly err: string }> =>
    new Promise((resolve) => {
      execFile(process.execPath, [COMMAND, ...args], { cwd: folder }, (error, out, err) =>
        resolve({ status: typeof error?.code === 'number' ? error.code : 0, out, err }),
      );
    });

  it('goes from a hunt to a replay by command, and another file is refused with status 2', async () => {
    const hello = join(ROOT, 'examples/hello.ts');
    const hunt = await rankfall(
      'hunt',
      '--protocol',
      hello,
      '--seeds',
      '50',
      '--jobs',
      '1',
      '--out',
      'race.json',
      '--json',
    );
    expect(hunt.status, hunt.err).toBe(1);
    expect(JSON.parse(hunt.out)).toMatchObject({
      violations: expect.any(Number) as number,
      invariant: 'greeted once',
      shrunkEvents: 1,
      replayFile: 'race.json',
    });
    // Whoever follows the page word by word has the file that it goes on with.
    const { firstSeed } = JSON.parse(hunt.out) as { readonly firstSeed: number };
    const page = readFileSync(join(ROOT, 'docs/your-own-race.md'), 'utf8');
    expect(new Set(page.match(/rankfall-\d+\.json/g))).toEqual(new Set([`rankfall-${firstSeed}.json`]));
    const replay = await rankfall('replay', 'race.json', '--protocol', hello, '--json');
    expect(replay.status, replay.err).toBe(1);
    expect(JSON.parse(replay.out)).toMatchObject({ protocol: 'hello', verdict: 'violated' });

    const edited = write('edited.ts', `${readFileSync(hello, 'utf8')}// A thought.\n`);
    const refused = await rankfall('replay', 'race.json', '--protocol', edited);
    expect(refused.status).toBe(2);
    expect(refused.err).toMatch(
      /recorded with another version of hello: expected a file with SHA-256 [0-9a-f]{64}, found/,
    );
    const unnamed = await rankfall('replay', 'race.json');
    expect(unnamed.status).toBe(2);
    expect(unnamed.err).toContain('The replay is of the protocol "hello"');
  });

  it('ends a hunt with status 2 where a step answers wrongly', async () => {
    const path = write('wrong.ts', `export const protocol = { ${STILL}, step: () => [{ kind: 'sned' }] };\n`);
    const { status, err } = await rankfall('hunt', '--protocol', path, '--seeds', '5', '--jobs', '1');
    expect(status).toBe(2);
    expect(err).toContain('With seed 1: Node 0');
  });
});
