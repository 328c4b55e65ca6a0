// The lanes of a job: those of its model's parameters, in its wire format, cut into the buckets in which they are exchanged.

import { bucketCuts, type BucketSizes, type Extent } from '../../collective/buckets.ts';
import { laneLayout, type LaneLayout } from '../../collective/lanes.ts';
import type { Job } from '../../job/job.ts';
import type { Graph } from './graph.ts';

/** Runs of parameters that backward completes together: those of one node, the last that it comes to where several share them. */
export function completedTogether({ nodes, parameters }: Graph): readonly Extent[] {
  const runs: { offset: number; length: number; maker: number }[] = [];
  for (const { offset, length } of parameters) {
    const maker = nodes.findIndex((node) => node.parameters.some((own) => own.offset === offset));
    const last = runs.at(-1);
    if (last?.maker === maker) last.length += length;
    else runs.push({ offset, length, maker });
  }
  return runs;
}

export const jobLayout = (job: Job, graph: Graph, sizes?: BucketSizes): LaneLayout =>
  laneLayout(
    graph.parameterCount,
    graph.parameters.length,
    job.microBatches,
    job.wire,
    job.overlap ? bucketCuts(completedTogether(graph), sizes) : [],
  );
