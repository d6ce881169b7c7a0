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
  publish: '5FBPEQGLDaH5icpmkMiYTtDWj7evUU2sc5zYDKRasrzu',
  stake: 'FFfugE9vWK7R5eU4R6Epny26ZJgNbQ7RFqfibNtvUU71',
  'stake another': '3bj9psJ2VnMKnR9hrhY4KZnci4gJ8JP39ifR1WS5mdcc',
  'stake thirteen': 'HdZotcELiwsFryUyDowQxiQaGFEDVDurNEbJtKjVXCqe',
  'abort in Move': '3y3yqVKKkVenVRHzDuS2ruY39o8pDjnwSShkV442fYUS',
  'clever abort': 'CWzAJh9JdWrTJpfC4cGhYxzV88fUkwsJRRRb7SxGBNQ7',
  unstake: 'd9r1QUw7qfjYkzokjuzfpCVyPbTKFaBzh8e6JPqjL3M',
  rename: 'Dq5P9LxD9ZTfFBSnbAatEM52qCwH6MJsbJddtwx59x3',
  wrap: '7aXvYN8kHKgx5uBQcmZpZaNCFMcfFeTyNw5GJ8hM2cs8',
  unwrap: '4qDuP9JswZqNxGvPSy8iUJvUn7AszCeTBRieGkzkwGJX',
  draw: '54TwySnQMoLbMBTewCbmUCMiwnokFsv2sGJrC4JfDK2m',
  edit: '2NgsmGvAUnBLJ47nwu5VR7EjYdbudu57XM4vsnQ65Mv6',
  paste: '9yvkTCKiZTVK4syiztzyucmAGxtpHR9K9HZ9addxASh',
  peel: 'GTQYxx9jx2h1wEWDrkhdYqH1JJTzM56ofqXpc1FyN9M4',
  'peel again': 'Dhcy5AZf9pPpzmy8tx4qwcuzsQYd13xBx9rzKgR1aZeL',
  share: '9S4uT5MveUfkEBPsDyJH46Ux9nTpFxpoAJcdwpu8gtX',
  freeze: '37jXgGdgshY15DmC5jpkRT3CntYu1iDZqQrDJLrCjqyJ',
  mix: '98rRJxtdevb9A6kESfdAV5NW1Yn72yMYLrvuy64x7toE',
  'mix refused': 'GWFhASSZGmmb3EYueqmeoR8iohMqbPdMifXoAw77gnRF',
  'split, merge, transfer': 'pPHSrPf7qEBSZz7a7ddgDCokxQw8tsUY138VSKDZkUH',
  'vector of coins': '4y4bp3LfvHXbzLJhmr2z5bnMPJaAWv3L2LrL8SbB6wUS',
  overspent: 'Ebs9rvQ3mnemTimnyw5eY712uV29azR4PFET3UeDdVHz',
  verify: 'F1g8ek2pEBDP4KccVGdHiz1iJCffXKC6kJAvgJMKRBo3',
  spin: 'DMkNdNp5Zor1VQwmwoMRGYrQFbJ1tYg4xpa1ECNo4Q4r',
  empty: 'Fa4gGmQvtz4PAPN3cjjUtV3hL1YnyTet9so865WvLrrv',
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
