// What came or was stored is not what it should be.

import type * as v from 'valibot';

export class CodecError extends Error {
  override readonly name = 'CodecError';
}

export const describeIssue = (issue: v.BaseIssue<unknown>): string =>
  `at ${issue.path?.map((item) => String(item.key)).join('.') ?? 'the top'}, expected ${issue.expected ?? 'something else'}, found ${issue.received}`;
