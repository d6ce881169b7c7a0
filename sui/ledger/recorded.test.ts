// A chain of fixed transactions whose digests were recorded before the VM was made faster: a change of speed must not
// change any id, object, event or effect, all of which the digest of a checkpoint stands for. Who changes what the
// chain is made of (the workload package, the framework, effects) records anew: the failing test prints the digests.

import { bcs } from '@mysten/sui/bcs';
import type { Transaction } from '@mysten/sui/transactions';
import t from 'tap';

import { createLedger, type ExecutedTransaction, type Ledger } from './index.ts';
import { worldOptions } from './testdata/world.ts';
import {
  addStake,
  createdOf,
  executeNow,
  inputOf,
  publishWorkload,
  workloadAddress,
  workloadSigner,
  type Workload,
} from './testdata/workload.ts';

const STRANGER = `0x${'5'.repeat(64)}`;

/** Digest of the checkpoint after each step. */
const RECORDED: Readonly<Record<string, string>> = {
  publish: 'Ct4beKPEvvuXEwi5YpgSoaFX6NeTW2KKuSxnDpf47qTL',
  stake: '9SGG1oMKJGtPRDJiSLwuZ1R3K5Gj7Wes6QmrLyjjb8A7',
  'stake another': 'FJfFvKg7ShsytRGbocki1N5uNCqdWzTeZRQ8P2DgDwRy',
  'stake thirteen': 'ovspH71D13yjecCNsSo4CUDJvzeYn7khBedGxbTYtxQ',
  'abort in Move': '7rcADFoHgFr9b1n4ThXEJMSNEyjtMw6YmtdeNdKc8XM',
  'clever abort': 'BmFYnqJJAjrWfp8xe9UVX1ccqu72jQv7YquBpAEtaFaj',
  unstake: '6H7H772cAr6sWAabjBPALs5t11pGV1MYjhJdtZovJGpx',
  rename: '7Bd88Bhmo1VGscfhkzesG2LJch59AVQijRS2KUYCbj5h',
  wrap: 'ECt5nrGkwu7dUqvUXTgrxinHGZ5c64RZ8MXax1rTaBMw',
  unwrap: '7VFpMTSS78XHhxVQtfWSJYSJfW6hGc4p6qs9K76Qsjo3',
  draw: 'GRQERMb6gVVVR9Hv4RuxdSjd482gW9bebmLodFUAu8A2',
  edit: '2WaWvu6xucmMUEAtSRkaV6YHCrfdMH9HygswsDWUizhY',
  paste: '965VaTu8kjJLxSBoJ4ZaquFmEaY79j1dTxzRggAP4Lkm',
  peel: 'WzmG6yaLnA8MZXHodEUipeTnsi1NvH5hJA3kGfuXgUQ',
  'peel again': '57jiQmy8mWDSL6ajwkEwg2ceJi5EuVe2pvEGg4ptYxix',
  share: '7pqndGqLchah8H7npA14nQ6xAfHBbxNQNpL1Wn2MTFwq',
  freeze: '9ebBymf1CB4jijLxd8m5wGX7aG7RwJnm8qB5s1Gw6avt',
  mix: 'BwxezNRfdLU3tXok3iHMkg6HeQS3SoPQbuP2BHfkZWV7',
  'mix refused': 'FSLDpLFSsK65XpSaebgE7kjg54EK9mWUQ2gjxJCGQetW',
  'split, merge, transfer': 'GrPZES7xJ9Di9ELQsNYmas4aLYpxeDaP5JQTzcjyq2Yu',
  'vector of coins': 'H7hnBC65wdMDyNkSVg8n2tMGH1PPvDvgRECaT4mdiZ9i',
  overspent: 'EF9Q8tQPFbkeRhtGmPQDAvoR6PTvV1aCybfAT4ZFa82z',
  verify: 'Bfggm2JViBxT46cjauaYwm8CTBidQRYEUeNE8c8wpBFX',
  spin: 'HGk63n7o8zxvBZXWhuJ9x2hL9rwuC9iXGe22uiMRsqZr',
  empty: '7gadALexqN9BbuqGRewKi9jmUumqNEL5a3zSzk5sKMru',
};

type Arguments = NonNullable<Parameters<Transaction['moveCall']>[0]['arguments']>;
type Step = (run: Run) => Promise<ExecutedTransaction>;

interface Run {
  readonly ledger: Ledger;
  readonly workload: Workload;
  readonly call: (
    name: string,
    args: (tx: Transaction) => Arguments,
    options?: { readonly keep?: boolean; readonly typeArguments?: string[] },
  ) => Promise<ExecutedTransaction>;
  /** Ids that steps leave for later ones. */
  readonly ids: Map<string, string>;
}

async function keep(
  run: Run,
  name: string,
  typeEnd: string,
  work: Promise<ExecutedTransaction>,
): Promise<ExecutedTransaction> {
  const executed = await work;
  const [id] = createdOf(executed, typeEnd);
  if (id !== undefined) run.ids.set(name, id);
  return executed;
}

const byId = (run: Run, name: string) => (tx: Transaction) => [
  inputOf(run.ledger, tx, run.ids.get(name) ?? ''),
];

async function stake(run: Run, amount: bigint, name: string): Promise<ExecutedTransaction> {
  const work = executeNow(run.ledger, (tx) => {
    addStake(run.ledger, run.workload, tx, amount);
  });
  return await keep(run, name, '::Position', work);
}

async function stakeAnd(run: Run, name: string): Promise<ExecutedTransaction> {
  const { ledger, workload } = run;
  return await executeNow(ledger, (tx) => {
    const [coin] = tx.splitCoins(tx.gas, [500]);
    const position = tx.moveCall({
      target: `${workload.packageId}::workload::stake`,
      arguments: [inputOf(ledger, tx, workload.registry), coin],
    });
    tx.moveCall({ target: `${workload.packageId}::workload::${name}`, arguments: [position] });
  });
}

async function unstake(run: Run, name: string): Promise<ExecutedTransaction> {
  const { ledger, workload } = run;
  const args = (tx: Transaction): Arguments => [
    inputOf(ledger, tx, workload.registry),
    ...byId(run, name)(tx),
    inputOf(ledger, tx, `0x${'6'.padStart(64, '0')}`, false),
  ];
  return await run.call('unstake', args, { keep: true });
}

const STEPS: Readonly<Record<string, Step>> = {
  stake: (run) => stake(run, 1_000n, 'first'),
  'stake another': (run) => stake(run, 2_000n, 'second'),
  'stake thirteen': (run) => stake(run, 13n, 'unlucky'),
  'abort in Move': (run) => stake(run, 9n, 'none'),
  'clever abort': (run) => unstake(run, 'unlucky'),
  unstake: (run) => unstake(run, 'first'),
  rename: (run) => run.call('rename', (tx) => [...byId(run, 'second')(tx), tx.pure.string('knoten-ä')]),
  wrap: (run) => keep(run, 'crate', '::Crate', run.call('wrap', byId(run, 'second'), { keep: true })),
  unwrap: (run) => run.call('unwrap', byId(run, 'crate'), { keep: true }),
  draw: (run) =>
    keep(
      run,
      'album',
      '::Album',
      run.call('draw', (tx) => [tx.pure.u64(40)], { keep: true }),
    ),
  edit: (run) => run.call('edit', (tx) => [...byId(run, 'album')(tx), tx.pure.u64(17)]),
  paste: (run) => run.call('paste', (tx) => [...byId(run, 'album')(tx), ...byId(run, 'second')(tx)]),
  peel: (run) => run.call('peel', byId(run, 'album'), { keep: true }),
  'peel again': (run) => run.call('peel', byId(run, 'album'), { keep: true }),
  share: (run) => stakeAnd(run, 'share'),
  freeze: (run) => stakeAnd(run, 'freeze_it'),
  mix: (run) =>
    run.call(
      'mix',
      (tx) => [
        tx.pure.u8(200),
        tx.pure.u256((1n << 255n) + 12_345n),
        tx.pure.option('address', STRANGER),
        tx.pure(bcs.vector(bcs.u16()).serialize([0, 1, 256, 65_535]).toBytes()),
        tx.pure.string('text, longer'),
      ],
      { typeArguments: ['vector<0x2::coin::Coin<0x2::sui::SUI>>'] },
    ),
  'mix refused': (run) => run.call('mix', (tx) => [tx.pure.u8(1)], { typeArguments: ['u8'] }),
  'split, merge, transfer': ({ ledger }) =>
    executeNow(ledger, (tx) => {
      const [a, b, c] = tx.splitCoins(tx.gas, [7, 8, 9]);
      tx.mergeCoins(a, [b]);
      tx.transferObjects([a, c], STRANGER);
    }),
  'vector of coins': ({ ledger }) =>
    executeNow(ledger, (tx) => {
      const [a, b] = tx.splitCoins(tx.gas, [7, 8]);
      const coins = tx.makeMoveVec({ elements: [a, b] });
      const [c] = tx.splitCoins(tx.gas, [1]);
      tx.moveCall({ target: '0x2::pay::join_vec', typeArguments: ['0x2::sui::SUI'], arguments: [c, coins] });
      tx.transferObjects([c], STRANGER);
    }),
  overspent: ({ ledger }) =>
    executeNow(ledger, (tx) => {
      tx.transferObjects([tx.splitCoins(tx.gas, [1n << 60n])], STRANGER);
    }),
  verify: async (run) => {
    const message = new TextEncoder().encode('message');
    const signature = await workloadSigner.sign(message);
    const key = workloadSigner.getPublicKey().toRawBytes();
    return await run.call('verify', (tx) =>
      [signature, key, message].map((bytes) => tx.pure(bcs.byteVector().serialize(bytes).toBytes())),
    );
  },
  spin: (run) => run.call('spin', (tx) => [tx.pure.u64(10_000)]),
  empty: ({ ledger }) => executeNow(ledger, () => undefined),
};

void t.test('a chain of fixed transactions has the digests that were recorded', async (t) => {
  const ledger = createLedger(await worldOptions({ seed: new Uint8Array(32).fill(7) }));
  t.teardown(() => {
    ledger.close();
  });
  const workload = await publishWorkload(ledger);
  const digests: Record<string, string> = { publish: ledger.checkpoints.latest.digest };
  const failed: Record<string, string> = {};
  const call: Run['call'] = (name, args, options = {}) =>
    executeNow(ledger, (tx) => {
      const target = `${workload.packageId}::workload::${name}`;
      const { typeArguments = [] } = options;
      const result = tx.moveCall({ target, arguments: args(tx), typeArguments });
      if (options.keep === true) tx.transferObjects([result], workloadAddress);
    });
  const run: Run = { ledger, workload, call, ids: new Map() };
  for (const [name, step] of Object.entries(STEPS)) {
    ledger.clock.advance(250);
    const { effects } = await step(run);
    digests[name] = ledger.checkpoints.latest.digest;
    if (!effects.status.success) failed[name] = effects.status.failure.kind;
  }
  t.same(digests, RECORDED, 'digests');
  t.same(failed, {
    'abort in Move': 'MOVE_ABORT',
    'clever abort': 'MOVE_ABORT',
    'peel again': 'MOVE_ABORT',
    'mix refused': 'ARITY_MISMATCH',
    overspent: 'INSUFFICIENT_COIN_BALANCE',
  });
});
