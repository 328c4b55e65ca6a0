// The ledger's accounts in English, as the lab and the command line call them.

import type { Ledger } from './ledger.ts';

export const ACCOUNT_NAMES: Readonly<Record<keyof Ledger, string>> = {
  compute: 'compute',
  exposedCommunication: 'all-reduce',
  straggler: 'waiting for the slowest',
  checkpoint: 'checkpoints',
  detect: 'noticing',
  abort: 'aborting',
  regroup: 'regrouping',
  heal: 'healing',
  redo: 'redone',
  idle: 'idle',
};
