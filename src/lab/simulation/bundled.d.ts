// See src/server/bundled.ts.

declare module '*?bundled' {
  export const text: string;
}
