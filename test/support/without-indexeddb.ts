// An environment without IndexedDB, for as long as a test wants one.

/** Takes IndexedDB away. Returns what puts it back, if it was there. */
export function withoutIndexedDB(): () => void {
  const factory = Object.getOwnPropertyDescriptor(globalThis, 'indexedDB');
  Reflect.deleteProperty(globalThis, 'indexedDB');
  return () => {
    Reflect.deleteProperty(globalThis, 'indexedDB');
    if (factory !== undefined) Object.defineProperty(globalThis, 'indexedDB', factory);
  };
}
