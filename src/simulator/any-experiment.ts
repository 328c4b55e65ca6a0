// An experiment of the built-in protocol or of one that a person brings.

import * as v from 'valibot';
import { ExperimentSchema, type Experiment } from './experiment.ts';
import { GuestExperimentSchema, type GuestExperiment } from './guest/experiment.ts';

export type AnyExperiment = Experiment | GuestExperiment;

/** It names its protocol, or else it is of the built-in one. */
export const AnyExperimentSchema: v.GenericSchema<unknown, AnyExperiment> = v.lazy((input) =>
  typeof input === 'object' && input !== null && 'protocol' in input
    ? GuestExperimentSchema
    : ExperimentSchema,
);
