// When backward has made a bucket of the gradient: the node after which nothing is added to any of its tensors.

import type { Bucket } from '../../collective/buckets.ts';
import type { Graph } from './graph.ts';

/**
 * For each bucket, the place in `nodes` of the one whose parameter gradient completes it and all buckets before it. Nodes are gone
 * through from the last to the first; one that shares its parameters with a later one adds to what that one made.
 */
export function bucketMakers({ nodes }: Graph, buckets: readonly Bucket[]): readonly number[] {
  let maker = nodes.length - 1;
  return buckets.map(({ start, end }) => {
    nodes.forEach(({ parameters }, i) => {
      if (parameters.some(({ offset }) => offset >= start && offset < end)) maker = Math.min(maker, i);
    });
    return maker;
  });
}
