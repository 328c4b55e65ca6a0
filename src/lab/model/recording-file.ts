// The log of this tab's ranks as a file: their recordings, one after the other.

/** What `rankfall replay` is given. */
export const recordingName = (room: string): string => `rankfall-${room}.log.gz`;

export function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

export function saveFile(name: string, bytes: Uint8Array<ArrayBuffer>): void {
  const address = URL.createObjectURL(new Blob([bytes], { type: 'application/octet-stream' }));
  const link = document.createElement('a');
  link.href = address;
  link.download = name;
  link.click();
  // The browser has taken the file by its next task.
  setTimeout(() => {
    URL.revokeObjectURL(address);
  }, 0);
}
