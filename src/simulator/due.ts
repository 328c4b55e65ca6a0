// What is due at a time of a simulated world: an action, or something that can also be looked at before it happens.

export interface Happening {
  happen(): void;
}

export type Due = (() => void) | Happening;

export function happen(due: Due): void {
  if (typeof due === 'function') due();
  else due.happen();
}
