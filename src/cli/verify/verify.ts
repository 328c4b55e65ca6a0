// Holds an engine against a reference: first everything is read and checked, then everything is computed.

import { judge } from './compare.ts';
import type { VerifyHost } from './host.ts';
import { parseManifest, type ManifestCase } from './manifest.ts';
import { prepareOp, type Trial } from './op-cases.ts';
import { prepareClip, prepareOptimizer } from './optimizer-cases.ts';
import type { CaseResult, RunResult, VerifyReport } from './report.ts';
import { prepareRun, type PreparedRun } from './runs.ts';
import { openTensors, type Tensors } from './tensors.ts';

/** The files of a reference. */
export interface ReferenceFiles {
  /** Of the manifest, and of a file beside it. */
  path(name: string): string;
  /** Throws a `UsageError` when there is none. */
  read(name: string): Uint8Array<ArrayBuffer>;
}

export const MANIFEST = 'manifest.json';

/** Cases under way: while one computes, the kernels of others are compiled. */
const AT_A_TIME = 4;

export interface Reference {
  readonly cases: readonly { readonly name: string; readonly trial: Trial }[];
  readonly runs: readonly { readonly name: string; readonly steps: number; readonly run: PreparedRun }[];
}

/** Throws a `UsageError` that names the file and the reason when the reference is malformed. */
export function readReference(files: ReferenceFiles): Reference {
  const manifestPath = files.path(MANIFEST);
  const manifest = parseManifest(manifestPath, new TextDecoder().decode(files.read(MANIFEST)));
  const open = (name: string): Tensors => openTensors(files.path(name), files.read(name));
  const ops = open(manifest.ops_file);
  return {
    cases: manifest.cases.map((spec) => ({ name: spec.name, trial: prepareCase(spec, ops, manifestPath) })),
    runs: manifest.runs.map((run) => ({
      name: run.name,
      steps: run.steps,
      run: prepareRun(run, open(run.file), manifestPath),
    })),
  };
}

function prepareCase(spec: ManifestCase, tensors: Tensors, manifestPath: string): Trial {
  if (spec.op === 'optimizer') return prepareOptimizer(spec, tensors, manifestPath);
  if (spec.op === 'clip_grad_norm') return prepareClip(spec, tensors, manifestPath);
  return prepareOp(spec, tensors);
}

/** `tell` hears what is being worked on. */
export async function verify(
  reference: Reference,
  host: VerifyHost,
  tell: (line: string) => void,
): Promise<VerifyReport> {
  const cases = new Array<CaseResult>(reference.cases.length);
  const waiting = reference.cases.entries();
  const work = async (): Promise<void> => {
    for (const [i, { name, trial }] of waiting) {
      tell(name);
      cases[i] = judge(name, await trial(host));
    }
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, work));
  const runs: RunResult[] = [];
  for (const { name, steps, run } of reference.runs) {
    runs.push(await run(host, (step) => tell(`${name}: step ${step} of ${steps}`)));
  }
  const ok = [...cases, ...runs].every((result) => result.ok);
  return { engine: host.engine, adapter: host.adapter, cases, runs, ok };
}
