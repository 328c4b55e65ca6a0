// Where the world reaches into an engine: to inject faults, to give way to other tasks, to hear what it does.

/** Creates a buffer on the device; may throw or return a failing buffer, which the engine takes as out of memory. */
export type CreateBuffer = (device: GPUDevice, descriptor: GPUBufferDescriptor) => GPUBuffer;

export interface EngineHooks {
  readonly createBuffer?: CreateBuffer | undefined;
  /** Called when the engine plans its passes anew after a refused allocation. */
  readonly onReplan?:
    ((plan: { readonly slicesPerPass: number; readonly reason: string }) => void) | undefined;
  /** Awaited by the CPU engine between pieces of work of some 50 ms, so that messages and timers get their turn. */
  readonly giveWay?: (() => Promise<void>) | undefined;
}
