// What all activations share: one function of one number, element by element.

import { gpuUnavailable } from './gpu-unavailable.ts';
import { elements, type CpuLayer, type Layer } from './layer.ts';
import { floats, inputShape } from './operands.ts';

export interface ActivationSpec<Kind extends string> {
  readonly kind: Kind;
}

/** `value(x)`, and `slope(x)` its derivative. NaN must stay NaN, so that it reaches the loss and is flagged there. */
export function activation<Kind extends string>(
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
    gpu: gpuUnavailable(kind),
  };
}
