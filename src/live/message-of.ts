// What was thrown, as text: anything can be.

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
