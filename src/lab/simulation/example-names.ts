// Which protocols examples/ holds, by name: what is in them is loaded where they run.

export const EXAMPLE_NAMES: readonly string[] = Object.keys(import.meta.glob('../../../examples/*.ts')).map(
  (path) => path.replace(/^.*\//, '').replace(/\.ts$/, ''),
);
