// torchft's lighthouse with the rule of meta-pytorch/torchft#71: a quorum is more than half of those whose heartbeats come.

import { torchft } from './torchft-quorum.ts';

export const protocol = {
  ...torchft((asking, healthy) => asking > healthy / 2),
  name: 'torchft-quorum-fixed',
};
