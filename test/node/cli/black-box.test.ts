// What demo and soak leave behind when something does not hold: also where no tab could hand over its recording.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createBlackBox } from '../../../src/cli/room/black-box.ts';
import { openLogBook } from '../../../src/cli/room/log-book.ts';
import { recordingLines } from '../../../src/cli/sim/recording-file.ts';
import { MAX_ATTEMPT } from '../../../src/protocol/messages.ts';
import { parseIncident } from '../../../src/protocol/recording/incident.ts';
import type { IncarnationId, MemberId } from '../../../src/ports/ids.ts';

const [a, b] = ['a', 'b'].map((digit) => digit.repeat(32)) as [MemberId, MemberId];
const generation = { incarnation: `00000001-${a}` as IncarnationId, number: 2 };

test('a black box writes who was waited for, and why the run failed', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'rankfall-box-'));
  try {
    const log = openLogBook();
    log.add([
      { member: a, seq: 0, at: 1000, event: { kind: 'phase', phase: 'reducing' } },
      {
        member: a,
        seq: 1,
        at: 1600,
        event: {
          kind: 'stalled',
          ...{ generation, operation: 'all-reduce', step: 4, attempt: MAX_ATTEMPT, bucket: 0, peer: b },
          ...{ cause: 'missing', forMs: 600, said: undefined },
        },
      },
    ]);
    const box = createBlackBox();
    box.seal(undefined, log);
    const path = join(folder, 'soak.incident.gz');
    await box.write(path, 'soak', ['The room never came back.']);
    const [head = ''] = [...recordingLines(path)];
    expect(parseIncident(head)).toMatchObject({
      room: 'soak',
      failures: ['The room never came back.'],
      ranks: [],
      stalls: [{ at: 1600, by: a, stall: { peer: b, cause: 'missing', attempt: MAX_ATTEMPT } }],
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
