// The parameters of a model: names, shapes and places in the contiguous arrays.

import type { Model } from '../../job/model-schema.ts';
import type { ParameterTensor } from '../../ports/engine.ts';
import { modelGraph } from './model-graph.ts';

/** Throws a `ShapeError` when the model's layers do not fit each other. */
export const parameterTensors = (model: Model): readonly ParameterTensor[] => modelGraph(model).parameters;

export const parameterCount = (model: Model): number => modelGraph(model).parameterCount;
