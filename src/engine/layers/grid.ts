// Grids of workgroups for kernels that number their work in one line: folded into two dimensions where one is not long enough.

import type { Workgroups } from './layer.ts';

/** maxComputeWorkgroupsPerDimension, by default. */
const LONGEST = 65_535;
/** Elements that a workgroup of an element-wise kernel takes (see shaders/activation.wgsl). */
const ELEMENTS = 256;

/** For at least so many workgroups; the kernel leaves out those past the end. */
export function foldedGrid(groups: number): Workgroups {
  const y = Math.max(1, Math.ceil(groups / LONGEST));
  return [Math.max(1, Math.ceil(groups / y)), y, 1];
}

/** For kernels that take 256 elements a workgroup. */
export const elementGrid = (elements: number): Workgroups => foldedGrid(Math.ceil(elements / ELEMENTS));

/** For kernels that take 64 elements, or rows, a workgroup. */
export const invocationGrid = (invocations: number): Workgroups => foldedGrid(Math.ceil(invocations / 64));
