// The shaders as Vite bundles them: for browsers.

import type { ShaderText } from './pipelines.ts';

const BUNDLE = import.meta.glob<string>('../../../shaders/*.wgsl', {
  query: '?raw',
  import: 'default',
  eager: true,
});

export const bundledShader: ShaderText = (file) => {
  const text = BUNDLE[`../../../shaders/${file}`];
  if (text === undefined) throw new RangeError(`There is no shader ${file} in the bundle.`);
  return text;
};
