// The log of this tab's ranks as a file: their recordings, one after the other.

/** What `rankfall replay` is given. */
export const recordingName = (room: string): string => `rankfall-${room}.log.gz`;

/** The same with who was at what, and whom they waited for. */
export const incidentName = (room: string): string => `rankfall-${room}.incident.gz`;

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
