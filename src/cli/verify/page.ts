// The page of `rankfall verify --engine webgpu`: the browser's own device, and the same verification as in Node.

import { bundledShader } from '../../engine/webgpu/shader-bundle.ts';
import { gpuHost } from './gpu-host.ts';
import type { VerifyReport } from './report.ts';
import { readReference, verify } from './verify.ts';

export interface VerifyDoor {
  /** `names`: the files of the reference, whose bytes `readReferenceFile` gives in base64; `tell` goes to `tellProgress`. */
  verify(names: readonly string[]): Promise<VerifyReport>;
}

declare global {
  interface Window {
    verifyDoor?: VerifyDoor;
    /** Put there by the command. */
    readReferenceFile?: (name: string) => Promise<string>;
    tellProgress?: (line: string) => Promise<void>;
  }
}

window.verifyDoor = {
  async verify(names) {
    const files = new Map<string, Uint8Array<ArrayBuffer>>();
    for (const name of names) {
      const text = await window.readReferenceFile?.(name);
      if (text === undefined) throw new RangeError(`The command gave no file ${name}.`);
      files.set(
        name,
        Uint8Array.from(atob(text), (character) => character.charCodeAt(0)),
      );
    }
    const reference = readReference({
      path: (name) => name,
      read(name) {
        const bytes = files.get(name);
        if (bytes === undefined) throw new RangeError(`The command gave no file ${name}.`);
        return bytes;
      },
    });
    const host = await gpuHost('webgpu', navigator.gpu, bundledShader);
    return verify(reference, host, (line) => void window.tellProgress?.(line));
  },
};
