import { describe, expect, it } from 'vitest';
import { DEFAULT_JOB, JobError, parseJob } from '../../src/job/job.ts';
import type { Job } from '../../src/job/job.ts';

const withTimeouts = (changes: Partial<Job['policies']>): Job => ({
  ...DEFAULT_JOB,
  policies: { ...DEFAULT_JOB.policies, ...changes },
});

describe('the timeouts of a job', () => {
  it.each([
    [{ heartbeatMs: 1500 }, 'heartbeatMs < suspicionMs does not hold: 1500 and 1500'],
    [{ suspicionMs: 5000 }, 'suspicionMs < collectiveMs does not hold: 5000 and 4000'],
    [{ collectiveMs: 7000 }, 'collectiveMs < regroupMs does not hold: 7000 and 6000'],
    [{ regroupMs: 9000 }, 'regroupMs < joinMs does not hold: 9000 and 8000'],
  ])('%o are refused with the inequality that does not hold', (changes, sentence) => {
    expect(() => parseJob(withTimeouts(changes))).toThrow(JobError);
    expect(() => parseJob(withTimeouts(changes))).toThrow(sentence);
  });

  it('in order are taken', () => {
    expect(parseJob(withTimeouts({ suspicionMs: 3999 })).policies.suspicionMs).toBe(3999);
  });
});
