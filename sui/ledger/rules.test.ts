// Who may do what with an object: every kind of ownership against every use, from both sides.

import { bcs } from '@mysten/sui/bcs';
import type { Transaction, TransactionObjectArgument } from '@mysten/sui/transactions';
import t from 'tap';

import { LedgerError } from './chain/errors.ts';
import { objectBcs } from './chain/objects.ts';
import {
  createDirect,
  differences,
  stateOf,
  totalMist,
  type Direct,
  type Naming,
} from './testdata/direct.ts';

type Use = (tx: Transaction, object: TransactionObjectArgument, direct: Direct) => void;

const call = (direct: Direct, tx: Transaction, name: string, args: TransactionObjectArgument[]) =>
  tx.moveCall({ target: `${direct.packageId}::counter::${name}`, arguments: args });

/** `sui::transfer::{name}<Ticket>` */
const transfer = (direct: Direct, tx: Transaction, name: string, args: TransactionObjectArgument[]) =>
  tx.moveCall({
    target: `0x2::transfer::${name}`,
    typeArguments: [`${direct.packageId}::counter::Ticket`],
    arguments: args,
  });

const partyOf = (tx: Transaction, address: string) =>
  tx.moveCall({ target: '0x2::party::single_owner', arguments: [tx.pure.address(address)] });

const newTicket = (direct: Direct, tx: Transaction, number = 1) =>
  tx.moveCall({ target: `${direct.packageId}::counter::ticket`, arguments: [tx.pure.u64(number)] });

/** What one can do with a ticket. */
const USES: Readonly<Record<string, Use>> = {
  read: (tx, object, direct) => void call(direct, tx, 'number', [object]),
  write: (tx, object, direct) =>
    void tx.moveCall({
      target: `${direct.packageId}::counter::renumber`,
      arguments: [object, tx.pure.u64(7)],
    }),
  destroy: (tx, object, direct) => void call(direct, tx, 'tear', [object]),
  give: (tx, object, direct) => {
    tx.transferObjects([object], direct.stranger.address);
  },
  freeze: (tx, object, direct) => void call(direct, tx, 'freeze_ticket', [object]),
  share: (tx, object, direct) => void transfer(direct, tx, 'public_share_object', [object]),
  wrap: (tx, object, direct) => void call(direct, tx, 'wrap', [object]),
  'give to a party': (tx, object, direct) =>
    void transfer(direct, tx, 'public_party_transfer', [object, partyOf(tx, direct.stranger.address)]),
  attach: (tx, object, direct) => {
    const parent = newTicket(direct, tx);
    tx.moveCall({
      target: `${direct.packageId}::counter::attach`,
      arguments: [parent, tx.pure.u64(1), object],
    });
    tx.transferObjects([parent], direct.user.address);
  },
};

/** `ok`, the kind of a failure (with the fault of an argument), or the code of a refusal. */
type Verdict = string;

const ALL_OK = Object.fromEntries(Object.keys(USES).map((use) => [use, 'ok']));
const every = (verdict: Verdict): Record<string, Verdict> =>
  Object.fromEntries(Object.keys(USES).map((use) => [use, verdict]));
const NOT_SHARED_AGAIN = 'CONSENSUS_OBJECT_OPERATION_NOT_ALLOWED';
const OWN = { ...ALL_OK, share: 'MOVE_ABORT 0' };
const READ_ONLY = {
  ...every('COMMAND_ARGUMENT_ERROR INVALID_OBJECT_BY_VALUE'),
  read: 'ok',
  write: 'COMMAND_ARGUMENT_ERROR INVALID_OBJECT_BY_MUT_REF',
};

interface Kind {
  /** Brings a new ticket into this state. */
  readonly make: (direct: Direct, tx: Transaction, ticket: TransactionObjectArgument) => void;
  readonly naming?: Naming;
  readonly verdicts: Readonly<Record<string, Verdict>>;
}

const KINDS: Readonly<Record<string, Kind>> = {
  'own object': {
    make: ({ user }, tx, ticket) => {
      tx.transferObjects([ticket], user.address);
    },
    verdicts: OWN,
  },
  'object of another': {
    make: ({ stranger }, tx, ticket) => {
      tx.transferObjects([ticket], stranger.address);
    },
    verdicts: every('OBJECT_NOT_OWNED'),
  },
  'object of its party': {
    make: (direct, tx, ticket) =>
      void transfer(direct, tx, 'public_party_transfer', [ticket, partyOf(tx, direct.user.address)]),
    verdicts: OWN,
  },
  'object of its party, read only': {
    make: (direct, tx, ticket) =>
      void transfer(direct, tx, 'public_party_transfer', [ticket, partyOf(tx, direct.user.address)]),
    naming: { mutable: false },
    verdicts: READ_ONLY,
  },
  'object of another party': {
    make: (direct, tx, ticket) =>
      void transfer(direct, tx, 'public_party_transfer', [ticket, partyOf(tx, direct.stranger.address)]),
    verdicts: every('OBJECT_NOT_OWNED'),
  },
  'object of another party, read only': {
    make: (direct, tx, ticket) =>
      void transfer(direct, tx, 'public_party_transfer', [ticket, partyOf(tx, direct.stranger.address)]),
    naming: { mutable: false },
    verdicts: every('OBJECT_NOT_OWNED'),
  },
  'object of its party as an owned one': {
    make: (direct, tx, ticket) =>
      void transfer(direct, tx, 'public_party_transfer', [ticket, partyOf(tx, direct.user.address)]),
    naming: { as: 'owned' },
    verdicts: every('INPUT_INVALID'),
  },
  'object of its party since another version': {
    make: (direct, tx, ticket) =>
      void transfer(direct, tx, 'public_party_transfer', [ticket, partyOf(tx, direct.user.address)]),
    naming: { version: 1n },
    verdicts: every('INPUT_INVALID'),
  },
  'shared object': {
    make: (direct, tx, ticket) => void transfer(direct, tx, 'public_share_object', [ticket]),
    verdicts: { ...every(NOT_SHARED_AGAIN), read: 'ok', write: 'ok', destroy: 'ok', share: 'ok' },
  },
  'shared object, read only': {
    make: (direct, tx, ticket) => void transfer(direct, tx, 'public_share_object', [ticket]),
    naming: { mutable: false },
    verdicts: READ_ONLY,
  },
  'shared object as an owned one': {
    make: (direct, tx, ticket) => void transfer(direct, tx, 'public_share_object', [ticket]),
    naming: { as: 'owned' },
    verdicts: every('INPUT_INVALID'),
  },
  'shared object since another version': {
    make: (direct, tx, ticket) => void transfer(direct, tx, 'public_share_object', [ticket]),
    naming: { version: 1n },
    verdicts: every('INPUT_INVALID'),
  },
  'immutable object': {
    make: (direct, tx, ticket) => void transfer(direct, tx, 'public_freeze_object', [ticket]),
    verdicts: READ_ONLY,
  },
  'immutable object as a shared one': {
    make: (direct, tx, ticket) => void transfer(direct, tx, 'public_freeze_object', [ticket]),
    naming: { as: 'shared' },
    verdicts: every('INPUT_INVALID'),
  },
  'own object as a shared one': {
    make: ({ user }, tx, ticket) => {
      tx.transferObjects([ticket], user.address);
    },
    naming: { as: 'shared' },
    verdicts: every('INPUT_INVALID'),
  },
  'own object in another version': {
    make: ({ user }, tx, ticket) => {
      tx.transferObjects([ticket], user.address);
    },
    naming: { version: 1n },
    verdicts: every('OBJECT_VERSION_CONFLICT'),
  },
  'child of an own object': {
    make: (direct, tx, ticket) => {
      const parent = newTicket(direct, tx, 2);
      const args = [parent, tx.pure.u64(1), ticket];
      tx.moveCall({ target: `${direct.packageId}::counter::attach`, arguments: args });
      tx.transferObjects([parent], direct.user.address);
    },
    verdicts: every('OBJECT_NOT_OWNED'),
  },
};

async function verdictOf(attempt: Promise<Awaited<ReturnType<Direct['run']>>>): Promise<Verdict> {
  try {
    const { status } = (await attempt).effects;
    if (status.success) return 'ok';
    const { failure } = status;
    if (failure.kind === 'MOVE_ABORT') return `${failure.kind} ${failure.code}`;
    return failure.kind === 'COMMAND_ARGUMENT_ERROR' ? `${failure.kind} ${failure.fault}` : failure.kind;
  } catch (error) {
    if (error instanceof LedgerError) return error.code;
    throw error;
  }
}

/** Who has the ticket after a use that went well. */
const OWNER_AFTER: Readonly<Record<string, string | null>> = {
  destroy: null,
  wrap: null,
  give: 'address',
  freeze: 'immutable',
  share: 'shared',
  attach: 'object',
  'give to a party': 'party',
};

void t.test('every kind of ownership against every use', async (t) => {
  using direct = await createDirect();
  const { ledger, user } = direct;
  for (const [kind, { make, naming, verdicts }] of Object.entries(KINDS)) {
    for (const [use, body] of Object.entries(USES)) {
      const label = `${kind}: ${use}`;
      const made = await direct.run((tx) => {
        make(direct, tx, newTicket(direct, tx));
      });
      const ids = made.effects.changed.filter(
        ({ type, output }) => output !== null && type?.endsWith('::Ticket'),
      );
      const id = ids.find(({ id: one }) => numberOf(direct, one) === 1n)?.id ?? '';
      const before = stateOf(ledger);
      const record = ledger.objects.get(id);
      const mist = totalMist(ledger);
      const [gas] = ledger.objects
        .ownedBy('address', user.address)
        .filter(({ type }) => type.key.includes('::coin::'));
      const verdict = await verdictOf(
        direct.run((tx) => {
          body(tx, direct.input(tx, id, naming), direct);
        }),
      );
      t.equal(verdict, verdicts[use], label);
      const after = ledger.objects.get(id);
      const changed = differences(ledger, before);
      if (verdict === 'ok') {
        const owner = OWNER_AFTER[use];
        t.equal(
          after?.owner.kind ?? null,
          owner === undefined ? record?.owner.kind : owner,
          `${label}: owner`,
        );
        t.equal(mist - totalMist(ledger), 1_000_000n, `${label}: the fee`);
      } else if (/^[A-Z_]+$/.test(verdict) && !verdict.startsWith('CONSENSUS')) {
        t.strictSame(changed, [], `${label}: a refusal changes nothing`);
      } else {
        const touched =
          naming?.mutable !== false && record?.owner.kind !== 'immutable' ? [gas?.id, id] : [gas?.id];
        t.strictSame(
          changed,
          touched.sort(),
          `${label}: a failure charges gas and gives inputs a new version`,
        );
        t.strictSame(contentsOf(after), contentsOf(record), `${label}: contents stay`);
      }
    }
  }
});

function contentsOf(record: ReturnType<Direct['ledger']['objects']['get']>): unknown {
  return record?.kind === 'move' ? [record.contents, record.owner] : record;
}

function numberOf({ ledger }: Direct, id: string): bigint {
  const record = ledger.objects.get(id);
  return record?.kind === 'move' ? Buffer.from(record.contents).readBigUInt64LE(32) : -1n;
}

void t.test('a party: since when, versions, effects, listing, gas', async (t) => {
  using direct = await createDirect();
  const { ledger, user, stranger, run, input } = direct;
  const ticket = async (address: string) => {
    const made = await run((tx) => {
      transfer(direct, tx, 'public_party_transfer', [newTicket(direct, tx), partyOf(tx, address)]);
    });
    return { id: direct.created(made, '::Ticket'), version: made.effects.lamportVersion };
  };
  const { id, version } = await ticket(user.address);
  const owner = () => ledger.objects.get(id)?.owner;
  t.strictSame(
    owner(),
    { kind: 'party', address: user.address, startVersion: version },
    'from its transaction on',
  );
  const parsed = (bytes: Uint8Array) => bcs.Object.parse(bytes).owner.ConsensusAddressOwner;
  const record = ledger.objects.get(id);
  t.strictSame(
    record === undefined ? null : parsed(objectBcs(record)),
    { startVersion: version.toString(), owner: user.address },
    'in Sui’s BCS',
  );
  const written = await run((tx) => USES['write']?.(tx, input(tx, id), direct));
  t.strictSame(owner(), { kind: 'party', address: user.address, startVersion: version }, 'writing keeps it');
  t.equal(ledger.objects.get(id)?.version, written.effects.lamportVersion);
  const give = (to: string) => (tx: Transaction) =>
    void transfer(direct, tx, 'public_party_transfer', [input(tx, id), partyOf(tx, to)]);
  await run(give(user.address));
  t.strictSame(
    owner(),
    { kind: 'party', address: user.address, startVersion: version },
    'so does giving it to oneself',
  );
  const read = await run((tx) => USES['read']?.(tx, input(tx, id, { mutable: false }), direct));
  t.strictSame(
    read.effects.readOnlyShared.map((one) => one.id),
    [id],
    'reading is an unchanged consensus object in the effects',
  );
  const given = await run(give(stranger.address));
  const since = given.effects.lamportVersion;
  t.strictSame(
    owner(),
    { kind: 'party', address: stranger.address, startVersion: since },
    'another begins anew',
  );
  const [, change] =
    bcs.TransactionEffects.parse(given.effects.bcs).V2?.changedObjects.find(([one]) => one === id) ?? [];
  t.match(change?.outputState.ObjectWrite?.[1], { ConsensusAddressOwner: { owner: stranger.address } });
  t.match(
    given.effects.changed.find((one) => one.id === id),
    {
      input: { owner: { address: user.address } },
      output: { owner: { address: stranger.address } },
      operation: 'none',
    },
  );
  await t.rejects(
    run((tx) => USES['write']?.(tx, input(tx, id, { version }), direct), stranger),
    { code: 'INPUT_INVALID' },
    'the old start is over for the new party, too',
  );
  t.ok(
    ledger.objects.ownedBy('address', stranger.address).some((one) => one.id === id),
    'listed with what the address owns',
  );
  t.notOk(ledger.objects.ownedBy('address', user.address).some((one) => one.id === id));

  // To an address and back, through a wrapper: each is a new beginning.
  await run((tx) => {
    tx.transferObjects([input(tx, id)], stranger.address);
  }, stranger);
  t.match(owner(), { kind: 'address', address: stranger.address });
  const again = await run(give(user.address), stranger);
  t.strictSame(owner(), { kind: 'party', address: user.address, startVersion: again.effects.lamportVersion });
  const wrapper = direct.created(await run((tx) => USES['wrap']?.(tx, input(tx, id), direct)), '::Wrapper');
  t.equal(ledger.objects.get(id), undefined);
  const unwrapped = await run((tx) => {
    const inner = call(direct, tx, 'unwrap', [input(tx, wrapper)]);
    transfer(direct, tx, 'public_party_transfer', [inner, partyOf(tx, user.address)]);
  });
  t.strictSame(owner(), {
    kind: 'party',
    address: user.address,
    startVersion: unwrapped.effects.lamportVersion,
  });

  // What is sent to the id of the object, its party can take out; nobody can take the object itself out.
  const sent = await run((tx) => {
    tx.transferObjects([newTicket(direct, tx, 5)], id);
  });
  const inside = direct.created(sent, '::Ticket');
  const receive = (from: string, what: string) => (tx: Transaction) => {
    const args = [input(tx, from), input(tx, what, { as: 'receiving' })];
    tx.transferObjects([call(direct, tx, 'receive', args)], user.address);
  };
  t.equal(await verdictOf(run(receive(id, inside), stranger)), 'OBJECT_NOT_OWNED');
  t.equal(await verdictOf(run(receive(id, inside))), 'ok');
  t.match(ledger.objects.get(inside)?.owner, { kind: 'address', address: user.address });
  t.equal(await verdictOf(run(receive(inside, id))), 'INPUT_INVALID', 'a party does not receive');

  // A coin of a party counts to its address, but pays no gas.
  const coin = await run((tx) => {
    const [part] = tx.splitCoins(tx.gas, [5_000_000]);
    tx.moveCall({
      target: '0x2::transfer::public_party_transfer',
      typeArguments: ['0x2::coin::Coin<0x2::sui::SUI>'],
      arguments: [part, partyOf(tx, stranger.address)],
    });
  });
  t.match(
    coin.balanceChanges.find(({ address }) => address === stranger.address),
    { amount: 5_000_000n },
  );
  const coinId = coin.effects.changed.find(({ output }) => output?.owner.kind === 'party')?.id ?? '';
  const pay = (tx: Transaction) => {
    const record = ledger.objects.get(coinId);
    tx.setGasPayment([
      { objectId: coinId, version: record?.version.toString() ?? '', digest: record?.digest ?? '' },
    ]);
  };
  t.match(await verdictOf(run(pay, stranger)), /^(INPUT|GAS)_INVALID$/);
  t.equal(
    await verdictOf(
      run((tx) => {
        tx.mergeCoins(tx.gas, [input(tx, coinId)]);
      }, stranger),
    ),
    'ok',
    'merged it is an ordinary coin again',
  );
});

void t.test('receiving: parent, type, version, once; and what is left stays', async (t) => {
  using direct = await createDirect();
  const { ledger, user, stranger, run, input } = direct;
  const make = async (owner: string, number = 1) =>
    direct.created(
      await run((tx) => {
        tx.transferObjects([newTicket(direct, tx, number)], owner);
      }),
      '::Ticket',
    );
  const parent = await make(user.address);
  const other = await make(user.address);
  const inside = await make(parent);
  const take =
    (from: string, what: string, naming: Naming = {}) =>
    (tx: Transaction) => {
      const args = [input(tx, from), input(tx, what, { as: 'receiving', ...naming })];
      tx.transferObjects([call(direct, tx, 'receive', args)], user.address);
    };
  const elsewhere = await make(stranger.address);
  const frozen = await make(user.address);
  await run((tx) => USES['freeze']?.(tx, input(tx, frozen), direct));
  const shared = direct.created(
    await run((tx) => void transfer(direct, tx, 'public_share_object', [newTicket(direct, tx)])),
    '::Ticket',
  );
  const coin = (
    await run((tx) => {
      tx.transferObjects([tx.splitCoins(tx.gas, [7])], parent);
    })
  ).effects.changed.find(
    ({ output }) => output?.owner.kind === 'address' && output.owner.address === parent,
  )?.id;
  const cases: [string, (tx: Transaction) => void, Verdict][] = [
    ['through another parent', take(other, inside), 'MOVE_ABORT 3'],
    ['of another type', take(parent, coin ?? ''), 'MOVE_ABORT 2'],
    ['of an address', take(parent, elsewhere), 'MOVE_ABORT 3'],
    ['an immutable object', take(parent, frozen), 'INPUT_INVALID'],
    ['a shared object', take(parent, shared), 'INPUT_INVALID'],
    ['in another version', take(parent, inside, { version: 1n }), 'OBJECT_VERSION_CONFLICT'],
    [
      'as an input of its own',
      (tx) => void call(direct, tx, 'number', [input(tx, inside)]),
      'OBJECT_NOT_OWNED',
    ],
    [
      'twice',
      (tx) => {
        const [from, what] = [input(tx, parent), input(tx, inside, { as: 'receiving' })];
        for (let i = 0; i < 2; i += 1)
          tx.transferObjects([call(direct, tx, 'receive', [from, what])], user.address);
      },
      'COMMAND_ARGUMENT_ERROR INVALID_VALUE_USAGE',
    ],
    [
      'where a ticket is asked for',
      (tx) => void call(direct, tx, 'number', [input(tx, inside, { as: 'receiving' })]),
      'COMMAND_ARGUMENT_ERROR TYPE_MISMATCH',
    ],
  ];
  for (const [name, fill, verdict] of cases) {
    const before = stateOf(ledger).get(inside);
    t.equal(await verdictOf(run(fill)), verdict, name);
    t.equal(stateOf(ledger).get(inside), before, `${name}: nothing is taken`);
  }
  t.equal(
    await verdictOf(run((tx) => void input(tx, inside, { as: 'receiving' }))),
    'ok',
    'named and not received',
  );
  t.match(ledger.objects.get(inside)?.owner, { kind: 'address', address: parent });
  t.equal(await verdictOf(run(take(parent, inside))), 'ok');
  t.match(ledger.objects.get(inside)?.owner, { kind: 'address', address: user.address });
  for (const use of ['destroy', 'wrap', 'freeze', 'share', 'attach']) {
    const what = await make(parent);
    const verdict = await verdictOf(
      run((tx) => {
        const args = [input(tx, parent), input(tx, what, { as: 'receiving' })];
        USES[use]?.(tx, call(direct, tx, 'receive', args), direct);
      }),
    );
    t.equal(verdict, OWN[use as keyof typeof OWN], `received: ${use}`);
    if (verdict === 'ok')
      t.equal(ledger.objects.get(what)?.owner.kind ?? null, OWNER_AFTER[use], `received: ${use}`);
  }
});

void t.test('ids that never were objects in the store are in the effects', async (t) => {
  using direct = await createDirect();
  const { run, input, user } = direct;
  const made = await run((tx) => void call(direct, tx, 'wrap', [newTicket(direct, tx)]));
  const hidden = made.effects.changed.find(
    ({ output, operation }) => output === null && operation === 'created',
  );
  t.match(hidden, { input: null, type: null }, 'made and wrapped');
  const wrapper = direct.created(made, '::Wrapper');
  const torn = await run(
    (tx) => void call(direct, tx, 'tear', [call(direct, tx, 'unwrap', [input(tx, wrapper)])]),
  );
  t.match(
    torn.effects.changed.find(({ id }) => id === hidden?.id),
    { input: null, output: null, operation: 'deleted' },
    'unwrapped and deleted',
  );
  const passing = await run((tx) => void call(direct, tx, 'tear', [newTicket(direct, tx)]));
  t.equal(passing.effects.changed.length, 1, 'made and deleted leaves no trace: only the gas coin');
  const kept = await verdictOf(
    run((tx) => {
      const inner = newTicket(direct, tx);
      tx.transferObjects([inner], user.address);
      call(direct, tx, 'tear', [inner]);
    }),
  );
  t.equal(kept, 'COMMAND_ARGUMENT_ERROR INVALID_VALUE_USAGE');
  t.equal(
    await verdictOf(
      run((tx) => {
        const box = call(direct, tx, 'wrap', [newTicket(direct, tx)]);
        tx.transferObjects([box], user.address);
      }),
    ),
    'COMMAND_ARGUMENT_ERROR INVALID_RESULT_ARITY',
  );
  t.equal(
    await verdictOf(
      run((tx) => {
        tx.transferObjects([input(tx, wrapper)], user.address);
      }),
    ).catch(() => 'gone'),
    'gone',
  );
});
