// The lanes of a job: those of its model's parameters, in its wire format.

import { laneLayout, type LaneLayout } from '../../collective/lanes.ts';
import type { Job } from '../../job/job.ts';
import type { Graph } from './graph.ts';

export const jobLayout = (job: Job, { parameterCount, parameters }: Graph): LaneLayout =>
  laneLayout(parameterCount, parameters.length, job.microBatches, job.wire);
