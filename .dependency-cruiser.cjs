// Who may import whom: the rule of the house, as docs and design state it, in a form that fails the checks.
// Read ROOMS first; the rules below only spell it out. test/node/house.test.ts shows that each of them bites.

/** For each folder of src: the other folders it may import. A folder that is missing here must not exist. */
const ROOMS = {
  // The vocabulary: these three know each other's types and nothing else (see `types-only`).
  job: ['trace', 'ports'],
  trace: ['job', 'ports'],
  ports: ['job', 'trace'],

  // The portable core.
  collective: ['job', 'trace', 'ports'],
  protocol: ['job', 'trace', 'ports', 'collective'],
  invariants: ['job', 'trace', 'ports', 'collective'],

  // What implements the ports, and what wraps them. None of it knows the protocol.
  engine: ['job', 'trace', 'ports', 'collective'],
  checkpoint: ['job', 'trace', 'ports', 'collective'],
  transport: ['job', 'trace', 'ports', 'collective'],
  faults: ['job', 'trace', 'ports'],

  // Planted bugs replace rules of the protocol from outside, and need no more than those and the names they deal in.
  mutants: ['protocol', 'ports'],
};
const BELOW = Object.keys(ROOMS).filter((room) => room !== 'mutants');
// The two worlds that host the protocol never meet; only the simulated one may run planted bugs.
ROOMS.simulator = [...BELOW, 'mutants'];
ROOMS.live = BELOW;
// The top: nothing imports these, so not each other either, except that the command starts the server.
ROOMS.lab = [...BELOW, 'simulator', 'live'];
ROOMS.server = [...BELOW, 'simulator', 'live'];
ROOMS.cli = [...BELOW, 'simulator', 'live', 'mutants', 'server'];

const PORTABLE =
  '^src/(job|trace|ports|collective|protocol|invariants|faults|mutants|simulator|engine/(cpu|data|graph|layers))/';

const inRooms = (names) => `^src/(${names.join('|')})/`;

const houseRules = Object.entries(ROOMS).map(([room, others]) => ({
  name: `house-${room}`,
  comment: `src/${room} may import ${others.map((other) => `src/${other}`).join(', ')} and no other folder of ours.`,
  severity: 'error',
  from: { path: inRooms([room]) },
  to: { path: '^src/', pathNot: inRooms([room, ...others]) },
}));

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    ...houseRules,
    {
      name: 'house-types-only',
      comment: 'src/job, src/trace and src/ports know only types of each other: write `import type`.',
      severity: 'error',
      from: { path: '^src/(job|trace|ports)/' },
      to: { path: '^src/(job|trace|ports)/', pathNot: '^src/$1/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'house-known-rooms',
      comment:
        'Every module of src lives in a folder that the design names; there is no drawer for the rest.',
      severity: 'error',
      from: {},
      to: { path: '^src/', pathNot: [inRooms(Object.keys(ROOMS)), '[.]d[.]ts$'] },
    },
    {
      name: 'house-no-mutants-in-production',
      comment:
        'Planted bugs never reach a page or a server, not even through the simulator or a dynamic import.',
      severity: 'error',
      from: { path: inRooms(['live', 'lab', 'server']) },
      to: { path: '^src/mutants/', reachable: true },
    },
    {
      name: 'house-inside-src',
      comment: 'What ships does not import tests or benchmarks.',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^(test|bench)/' },
    },
    {
      name: 'house-portable',
      comment:
        'Portable folders run in any JavaScript engine with the same bits: of packages they import valibot, ' +
        '@noble/hashes, crc-32 and fflate only.',
      severity: 'error',
      from: { path: PORTABLE },
      to: {
        // Everything that is not ours: packages, Node's own modules, and what cannot be found.
        pathNot: ['^src/', '^(test|bench)/', 'node_modules/(valibot|@noble/hashes|crc-32|fflate)/'],
      },
    },
    {
      name: 'no-cycles',
      comment: 'Modules that import each other in a circle are one module. Move what they share below them.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'no-unresolved',
      comment: 'The import names a file or package that does not exist.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: 'no-dev-packages',
      comment: 'What ships imports packages from "dependencies", not from "devDependencies".',
      severity: 'error',
      from: { path: '^src/' },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'], dependencyTypesNot: ['type-only'] },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsConfig: { fileName: 'tsconfig.json' },
    // See type-only imports too: most rules are about knowledge, which types carry as well as code does.
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'browser', 'default', 'types'],
      extensions: ['.ts', '.tsx', '.d.ts', '.mts', '.js', '.mjs', '.cjs', '.json'],
    },
  },
};
