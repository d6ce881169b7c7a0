// Imports go one way (docs/architecture.md): core → attestation → sui/* → scheduler-extender → enclave.
// What enters the enclave is measured into PCR0, so a careless import is a security change.
const everyPart = [
  'core',
  'enclave/attestation',
  'sui/client',
  'sui/move',
  'sui/ledger',
  'sui/seal',
  'scheduler-extender',
  'enclave',
  'admission-webhook',
  'admission-webhook/seal-fetch',
  'bench/control-plane',
  'bench/kubelet',
];
const workspaces = {
  core: [],
  'enclave/attestation': ['core'],
  'sui/client': ['core'],
  'sui/move': ['core'],
  'sui/ledger': ['core', 'enclave/attestation', 'sui/move'],
  'sui/seal': ['core', 'sui/client'],
  'scheduler-extender': ['core', 'sui/client'],
  enclave: ['core', 'enclave/attestation', 'sui/client', 'scheduler-extender'],
  'admission-webhook': ['core', 'sui/client', 'sui/seal'],
  'admission-webhook/seal-fetch': ['core', 'sui/client', 'sui/seal'],
  'bench/control-plane': ['core'],
  'bench/kubelet': ['core', 'bench/control-plane'],
  cli: everyPart,
  bench: [...everyPart, 'cli'],
};
const folders = Object.keys(workspaces);
// A workspace nested in another (enclave/attestation in enclave) is not part of it.
const only = (w) => {
  const nested = folders.filter((f) => f.startsWith(`${w}/`)).map((f) => f.slice(w.length + 1));
  return nested.length === 0 ? `^${w}/` : `^${w}/(?!(${nested.join('|')})/)`;
};
// Tests of a workspace may set up what the workspace itself must not know.
const tests = '\\.test\\.ts$|/test(data)?/';
const oneWay = folders.map((w) => ({
  name: `one-way:${w}`,
  severity: 'error',
  from: { path: only(w), pathNot: tests },
  to: {
    path: folders
      .filter((f) => f !== w && !workspaces[w].includes(f))
      .map(only)
      .concat('^test/'),
    pathNot: only(w),
  },
}));

module.exports = {
  forbidden: [
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
    { name: 'not-to-unresolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
    {
      name: 'only-sui-imports-mysten',
      comment: '@mysten/bcs is a codec without I/O and is free for core and scheduler-extender.',
      severity: 'error',
      from: { pathNot: `^sui/|${tests}` },
      to: { path: 'node_modules/@mysten/(?!bcs|utils)' },
    },
    {
      name: 'core-has-no-io',
      severity: 'error',
      from: { path: '^core/', pathNot: tests },
      to: { dependencyTypes: ['core'], pathNot: '^(node:)?(crypto|buffer)$' },
    },
    {
      name: 'enclave-without-client-node-and-compiler',
      severity: 'error',
      from: { path: '^(core|enclave|scheduler-extender|sui/client)/', pathNot: tests },
      to: { path: 'node_modules/(@kubernetes/client-node|@zktx\\.io)' },
    },
    {
      name: 'nobody-imports-a-main',
      severity: 'error',
      from: { pathNot: '^cli/' },
      to: { path: '(^|/)main\\.ts$' },
    },
    ...oneWay,
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^|/)(dist|\\.cache|\\.tap)/' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node'],
      extensions: ['.ts', '.js'],
    },
  },
};
