// What all activations share: one function of one number, element by element.

import { elementGrid } from './grid.ts';
import type { Activation } from '../../job/model-schema.ts';
import { type CpuLayer, elements, type GpuLayer, type Layer } from './layer.ts';
import { floats, inputShape } from './operands.ts';

export interface ActivationSpec<Kind extends Activation> {
  readonly kind: Kind;
}

const SHADER = 'activation.wgsl';
/** Numbers of the functions in shaders/activation.wgsl. */
const FUNCTIONS = { relu: 0, gelu: 1, gelu_tanh: 2, silu: 3, tanh: 4 } as const;
/** Functions whose derivative is computed from their result. */
const FROM_OUTPUT: readonly Activation[] = ['relu', 'tanh'];

const kernels = (kind: Activation): GpuLayer<ActivationSpec<Activation>> => ({
  forward: ({ output }) => [
    {
      kind: 'kernel',
      shader: SHADER,
      entryPoint: 'forward',
      constants: { FUNCTION: FUNCTIONS[kind] },
      reads: [{ input: 0 }],
      writes: ['output'],
      uniform: ({ samples }) => [samples * elements(output)],
      workgroups: ({ samples }) => elementGrid(samples * elements(output)),
    },
  ],
  backward: ({ output }, [needed], [accumulate]) =>
    needed !== true
      ? []
      : [
          {
            kind: 'kernel',
            shader: SHADER,
            entryPoint: 'backward',
            constants: { FUNCTION: FUNCTIONS[kind], ACCUMULATE: accumulate === true ? 1 : 0 },
            reads: [FROM_OUTPUT.includes(kind) ? 'output' : { input: 0 }, 'outputGradient'],
            writes: [{ inputGradient: 0 }],
            uniform: ({ samples }) => [samples * elements(output)],
            workgroups: ({ samples }) => elementGrid(samples * elements(output)),
          },
        ],
});

/** `value(x)`, and `slope(x)` its derivative. NaN must stay NaN, so that it reaches the loss and is flagged there. */
export function activation<Kind extends Activation>(
  kind: Kind,
  value: (x: number) => number,
  slope: (x: number) => number,
): Layer<ActivationSpec<Kind>> {
  const cpu: CpuLayer<ActivationSpec<Kind>> = {
    forward(place, { samples, inputs, output }) {
      const input = floats(inputs);
      const length = samples * elements(place.output);
      for (let i = 0; i < length; i++) output[i] = value(input[i]!);
    },

    backward(place, { samples, inputs, outputGradient, inputGradients: [gradient], accumulate: [add] }) {
      if (gradient === undefined) return;
      const input = floats(inputs);
      const length = samples * elements(place.output);
      for (let i = 0; i < length; i++) {
        const g = outputGradient[i]! * slope(input[i]!);
        gradient[i] = add === true ? gradient[i]! + g : g;
      }
    },
  };
  return {
    shapes: (_spec, inputs) => ({ output: inputShape(kind, inputs), parameters: [], saved: 0 }),
    cpu,
    gpu: kernels(kind),
  };
}
