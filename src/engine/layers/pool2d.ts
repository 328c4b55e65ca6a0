// What both poolings share: a square window over each channel, without padding; what does not fill a window is left out.

import { invocationGrid } from './grid.ts';
import { elements, type GpuLayer, type GpuPlace, type LayerShapes, type Place, type Shape } from './layer.ts';
import { inputShape, windows } from './operands.ts';

export interface Pool2dSpec<Kind extends string> {
  readonly kind: Kind;
  readonly kernel: number;
  readonly stride: number;
}

export function pool2dShapes(
  { kind, kernel, stride }: Pool2dSpec<string>,
  inputs: readonly Shape[],
): LayerShapes {
  const [channels = 0, height = 0, width = 0] = inputShape(kind, inputs, 3);
  const output = [channels, windows(kind, height, kernel, stride), windows(kind, width, kernel, stride)];
  return { output, parameters: [], saved: 0 };
}

/** Calls back for each output in ascending order, with the first pixel of its window; `row` is from one row of pixels to the next. */
export function eachWindow(
  {
    spec: { stride },
    inputs: [input = []],
    output: [, outHeight = 0, outWidth = 0],
  }: Place<Pool2dSpec<string>>,
  samples: number,
  visit: (output: number, first: number, row: number) => void,
): void {
  const [channels = 0, height = 0, width = 0] = input;
  let output = 0;
  for (let plane = 0; plane < samples * channels; plane++) {
    for (let y = 0; y < outHeight; y++) {
      for (let x = 0; x < outWidth; x++) {
        visit(output++, (plane * height + y * stride) * width + x * stride, width);
      }
    }
  }
}

/** Kernels of both poolings (shaders/pool2d.wgsl). */
export const pool2dKernels = (maximum: boolean): GpuLayer<Pool2dSpec<string>> => ({
  forward: (place) => [
    {
      kind: 'kernel',
      shader: 'pool2d.wgsl',
      entryPoint: 'forward',
      constants: { MAXIMUM: maximum ? 1 : 0 },
      reads: [{ input: 0 }],
      writes: ['output'],
      uniform: ({ samples }) => uniformOf(place, samples),
      workgroups: ({ samples }) => invocationGrid(samples * elements(place.output)),
    },
  ],
  backward: (place, [needed], [accumulate]) =>
    needed !== true
      ? []
      : [
          {
            kind: 'kernel',
            shader: 'pool2d.wgsl',
            entryPoint: 'backward',
            constants: {
              MAXIMUM: maximum ? 1 : 0,
              ACCUMULATE: accumulate === true ? 1 : 0,
            },
            reads: [{ input: 0 }, 'outputGradient'],
            writes: [{ inputGradient: 0 }],
            uniform: ({ samples }) => uniformOf(place, samples),
            workgroups: ({ samples }) => invocationGrid(samples * elements(place.inputs[0] ?? [])),
          },
        ],
});

function uniformOf(place: GpuPlace<Pool2dSpec<string>>, samples: number): readonly number[] {
  const [channels = 0, height = 0, width = 0] = place.inputs[0] ?? [];
  const [, outHeight = 0, outWidth = 0] = place.output;
  return [samples * channels, height, width, outHeight, outWidth, place.spec.kernel, place.spec.stride];
}
