// The page of `rankfall bench step --engine webgpu`: the browser's own device, and the same measurement as in Node.

import { bundledShader } from '../../../engine/webgpu/shader-bundle.ts';
import type { Job } from '../../../job/job.ts';
import { measureSteps, type MeasureOptions, type StepMeasurement } from './measure.ts';
import { openGpuEngine } from './open.ts';

export interface StepDoor {
  /** Rejects where there is no WebGPU, or the job does not fit. */
  measure(
    job: Job,
    options: MeasureOptions,
    tune: boolean,
  ): Promise<StepMeasurement & { readonly adapter: string }>;
}

declare global {
  interface Window {
    stepBench?: StepDoor;
  }
}

window.stepBench = {
  async measure(job, options, tune) {
    const engine = await openGpuEngine(navigator.gpu, bundledShader, job, tune);
    try {
      return { ...(await measureSteps(engine, options)), adapter: engine.description.adapter };
    } finally {
      engine.destroy();
    }
  },
};
