// What the linter refuses, beyond what the compiler does. Three layers: TypeScript taken strictly everywhere; no
// default exports; and in the portable folders nothing whose result depends on the engine, the clock or chance.
import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';

/** Folders whose results must have the same bits in every JavaScript engine. */
const PORTABLE = [
  'src/job',
  'src/trace',
  'src/ports',
  'src/collective',
  'src/protocol',
  'src/invariants',
  'src/simulator',
  'src/engine/cpu',
  'src/engine/data',
  'src/engine/graph',
  'src/engine/layers',
  'src/faults',
  // Protocols that people bring are run twice, and must come out the same.
  'examples',
].map((folder) => `${folder}/**/*.{ts,tsx}`);

/** Folders that are pure or sans-IO: the outside world reaches them as events, never as a promise. */
const SANS_IO = ['src/trace', 'src/collective', 'src/protocol', 'src/invariants'].map(
  (folder) => `${folder}/**/*.ts`,
);

const BITS =
  'JavaScript leaves its bits to the engine (Node and Chromium differ), and portable code must not';
const ENGINE_MATH =
  'exp expm1 log log1p log2 log10 pow cbrt hypot sin cos tan asin acos atan atan2 sinh cosh tanh asinh acosh atanh'
    .split(' ')
    .map((property) => ({
      object: 'Math',
      property,
      message: `${BITS}: use + - * / and Math.sqrt, or our own documented function.`,
    }));

const CLOCKS_AND_TIMERS =
  'Date performance Temporal setTimeout setInterval setImmediate clearTimeout clearInterval clearImmediate queueMicrotask requestAnimationFrame requestIdleCallback'
    .split(' ')
    .map((name) => ({
      name,
      message:
        'Time comes from outside: as the `now` of an event, or through the clock port. Else no run can be replayed.',
    }));

const CHANCE = 'Chance comes from the seed: it must be the same on every rank and in every replay.';

/** Plain mistakes that the type checker does not see. */
const CORRECTNESS = Object.fromEntries(
  [
    'eqeqeq',
    'no-async-promise-executor',
    'no-compare-neg-zero',
    'no-cond-assign',
    'no-constant-binary-expression',
    'no-control-regex',
    'no-debugger',
    'no-dupe-else-if',
    'no-duplicate-case',
    'no-empty',
    'no-loss-of-precision',
    'no-self-assign',
    'no-self-compare',
    'no-sparse-arrays',
    'no-template-curly-in-string',
    'no-unmodified-loop-condition',
    'no-unreachable-loop',
    'no-unsafe-finally',
    'no-unused-labels',
    'no-useless-escape',
    'no-var',
    'object-shorthand',
    'prefer-const',
    'use-isnan',
    'valid-typeof',
  ].map((rule) => [rule, 'error']),
);

const NO_DEFAULT_EXPORT = [
  {
    selector: 'ExportDefaultDeclaration, ExportSpecifier[exported.name="default"]',
    message: 'Name the export: a default export can be called anything by whoever imports it.',
  },
];

const PORTABLE_SYNTAX = [
  {
    // Between bigints the operator is exact, and they do not mix with numbers.
    selector:
      'BinaryExpression[operator="**"]:not([left.bigint]):not([right.bigint]), AssignmentExpression[operator="**="]',
    message: `A power: ${BITS}. Write the constant, multiply, or use our own documented function.`,
  },
  {
    selector:
      ':not(MemberExpression, TSQualifiedName) > Identifier[name="Math"], MemberExpression[object.name="Math"][computed=true]',
    message: 'Name the function as `Math.name`, so that this rule can see which one it is.',
  },
  {
    selector: 'CallExpression > MemberExpression.callee[property.name=/^(localeCompare|toLocale.*)$/]',
    message: 'Locales differ between machines: compare and print without one.',
  },
];

const SANS_IO_SYNTAX = [
  {
    selector:
      ':function[async=true], AwaitExpression, ForOfStatement[await=true], Identifier[name="Promise"]',
    message: 'This folder is sans-IO: return effects as data, and take their outcome as an event.',
  },
];

export default defineConfig(
  globalIgnores(['dist/', 'coverage/', '.cache/', 'public/', 'bench/', 'docs/', 'test/**/fixtures/']),

  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  { rules: CORRECTNESS },

  {
    files: ['**/*.{ts,tsx}'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'separate-type-imports' }],
      '@typescript-eslint/consistent-type-exports': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        // A default branch would hide the case that somebody adds next year.
        { considerDefaultExhaustiveForUnions: false, requireDefaultForNonUnion: true },
      ],
      '@typescript-eslint/no-unused-vars': [
        'error',
        {
          argsIgnorePattern: '^_',
          varsIgnorePattern: '^_',
          caughtErrorsIgnorePattern: '^_',
          ignoreRestSiblings: true,
        },
      ],
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/no-unnecessary-condition': [
        'error',
        { allowConstantLoopConditions: 'only-allowed-literals' },
      ],
      // An async function without an await turns a throw into the rejection that its port promises.
      '@typescript-eslint/require-await': 'off',
      'no-restricted-syntax': ['error', ...NO_DEFAULT_EXPORT],
      'no-console': 'error',
    },
  },

  {
    files: PORTABLE,
    rules: {
      'no-restricted-properties': [
        'error',
        ...ENGINE_MATH,
        { object: 'Math', property: 'random', message: CHANCE },
      ],
      'no-restricted-globals': ['error', ...CLOCKS_AND_TIMERS, { name: 'crypto', message: CHANCE }],
      'no-restricted-syntax': ['error', ...NO_DEFAULT_EXPORT, ...PORTABLE_SYNTAX],
    },
  },
  {
    files: SANS_IO,
    rules: {
      'no-restricted-syntax': ['error', ...NO_DEFAULT_EXPORT, ...PORTABLE_SYNTAX, ...SANS_IO_SYNTAX],
    },
  },
  {
    // Kernels walk typed arrays inside bounds that their loops state; a check per element would be the innermost work.
    files: ['src/engine/{cpu,graph,layers}/**/*.ts'],
    rules: { '@typescript-eslint/no-non-null-assertion': 'off' },
  },

  {
    // Commands and test tools talk to a terminal.
    files: ['src/cli/**/*.ts', 'src/server/**/*.ts', 'test/tools/**/*.ts', '*.config.ts'],
    rules: { 'no-console': 'off' },
  },
  {
    files: ['test/**/*.{ts,tsx}'],
    // `expect(port.send)` hands a method over without calling it.
    rules: { '@typescript-eslint/unbound-method': 'off' },
  },
  {
    // These files' tools read their default export.
    files: ['*.config.ts'],
    rules: { 'no-restricted-syntax': 'off' },
  },

  {
    files: ['**/*.{js,mjs,cjs}'],
    languageOptions: {
      globals: { console: 'readonly', module: 'writable', process: 'readonly', URL: 'readonly' },
    },
    rules: { 'no-undef': 'error', 'no-unused-vars': 'error' },
  },
);
