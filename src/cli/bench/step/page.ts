// The page of `rankfall bench step --engine webgpu`: the browser's own device, and the same measurement as in Node.

import { bundledShader } from '../../../engine/webgpu/shader-bundle.ts';
import type { Job } from '../../../job/job.ts';
import { measureSteps, type StepMeasurement } from './measure.ts';
import { openGpuEngine } from './open.ts';

export interface StepDoor {
  /** Rejects where there is no WebGPU, or the job does not fit. */
  measure(
    job: Job,
    steps: number,
    budgetMs: number,
    tune: boolean,
  ): Promise<StepMeasurement & { readonly adapter: string }>;
}

declare global {
  interface Window {
    stepBench?: StepDoor;
  }
}

window.stepBench = {
  async measure(job, steps, budgetMs, tune) {
    const engine = await openGpuEngine(navigator.gpu, bundledShader, job, tune);
    try {
      return { ...(await measureSteps(engine, steps, budgetMs)), adapter: engine.description.adapter };
    } finally {
      engine.destroy();
    }
  },
};
