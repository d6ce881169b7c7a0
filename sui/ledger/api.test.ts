import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { compilePackage } from '@k3s-daas/move';
import { bcs } from '@mysten/sui/bcs';
import { GrpcTypes, SuiGrpcClient } from '@mysten/sui/grpc';
import { Ed25519Keypair } from '@mysten/sui/keypairs/ed25519';
import { Transaction } from '@mysten/sui/transactions';
import { toBase64 } from '@mysten/sui/utils';
import t, { type Test } from 'tap';

import { createWorld, type World } from './testdata/world.ts';

const SERVICES = [
  GrpcTypes.LedgerService,
  GrpcTypes.StateService,
  GrpcTypes.TransactionExecutionService,
  GrpcTypes.MovePackageService,
  GrpcTypes.SubscriptionService,
  GrpcTypes.SignatureVerificationService,
  GrpcTypes.NameService,
  GrpcTypes.ForkingService,
];
/** What the README lists as refused. */
const REFUSED = new Set([
  'NameService/LookupName',
  'NameService/ReverseLookupName',
  ...GrpcTypes.ForkingService.methods.map(({ name }) => `ForkingService/${name}`),
]);

interface Stage {
  readonly world: World;
  readonly coinPackage: string;
  readonly coinType: string;
  readonly parent: string;
  readonly digest: string;
  readonly transfer: () => Transaction;
}

async function createStage(world: World): Promise<Stage> {
  const compiled = await compilePackage({ dir: join(import.meta.dirname, 'testdata/coin') });
  const published = await world.run((tx) => {
    const dependencies = [...compiled.dependencies];
    const cap = tx.publish({ modules: compiled.modules.map(toBase64), dependencies });
    tx.transferObjects([cap], world.address);
  });
  const types = Object.entries(published.Transaction?.objectTypes ?? {});
  const coinPackage = types.find(([, type]) => type === 'package')?.[0] ?? '';
  // A ticket with another as its dynamic field.
  const counter = `${world.packageId}::counter`;
  const attached = await world.run((tx) => {
    const ticket = (n: number) => tx.moveCall({ target: `${counter}::ticket`, arguments: [tx.pure.u64(n)] });
    const outer = ticket(1);
    tx.moveCall({ target: `${counter}::attach`, arguments: [outer, tx.pure.u64(7), ticket(2)] });
    tx.moveCall({
      target: `${counter}::note`,
      arguments: [outer, tx.pure.string('k'), tx.pure.string('v')],
    });
    tx.transferObjects([outer], world.address);
  });
  const changed = attached.Transaction?.effects.changedObjects ?? [];
  const parent = changed.find(
    ({ idOperation, outputOwner }) =>
      idOperation === 'Created' && outputOwner?.AddressOwner === world.address,
  );
  const transfer = (): Transaction => {
    const tx = new Transaction();
    tx.setSender(world.address);
    tx.transferObjects([tx.splitCoins(tx.gas, [1])], world.address);
    return tx;
  };
  return {
    world,
    coinPackage,
    coinType: `${coinPackage}::bark::BARK`,
    parent: parent?.objectId ?? '',
    digest: attached.Transaction?.digest ?? '',
    transfer,
  };
}

/** A row: a method of the client, the RPCs it makes, and what comes of it (matched). */
type Row = readonly [
  method: Extract<keyof SuiGrpcClient, string>,
  rpcs: readonly string[],
  call: (client: SuiGrpcClient, stage: Stage) => Promise<unknown>,
  expected: (stage: Stage) => unknown,
];

const ROWS: readonly Row[] = [
  [
    'getObject',
    ['LedgerService/BatchGetObjects'],
    (c, s) => c.getObject({ objectId: s.world.counterId, include: { content: true, objectBcs: true } }),
    (s) => ({ object: { objectId: s.world.counterId, owner: { $kind: 'Shared' }, content: Uint8Array } }),
  ],
  [
    'getObjects',
    ['LedgerService/BatchGetObjects'],
    (c, s) => c.getObjects({ objectIds: [s.world.counterId, '0x6', s.coinPackage, '0x123'] }),
    (s) => ({
      objects: [
        {},
        { type: /::clock::Clock$/ },
        { objectId: s.coinPackage, type: 'package' },
        { code: 'notExists' },
      ],
    }),
  ],
  [
    'listOwnedObjects',
    ['StateService/ListOwnedObjects'],
    (c, s) => c.listOwnedObjects({ owner: s.world.address, type: `${s.world.packageId}::counter::Ticket` }),
    (s) => ({ objects: [{ objectId: s.parent, digest: String }], hasNextPage: false }),
  ],
  [
    'listCoins',
    ['StateService/ListOwnedObjects'],
    (c, s) => c.listCoins({ owner: s.world.address, coinType: s.coinType }),
    () => ({ objects: [{ balance: '5000' }] }),
  ],
  [
    'getBalance',
    ['StateService/GetBalance'],
    (c, s) => c.getBalance({ owner: s.world.address, coinType: s.coinType }),
    () => ({ balance: { balance: '5000', coinBalance: '5000', addressBalance: '0' } }),
  ],
  [
    'listBalances',
    ['StateService/ListBalances'],
    (c, s) => c.listBalances({ owner: s.world.address }),
    () => ({ balances: [{ coinType: /::/, addressBalance: '0' }, { coinType: /::/ }], hasNextPage: false }),
  ],
  [
    'getCoinMetadata',
    ['StateService/GetCoinInfo'],
    (c, s) => c.getCoinMetadata({ coinType: s.coinType }),
    () => ({
      coinMetadata: {
        id: /^0x/,
        decimals: 3,
        symbol: 'BARK',
        name: 'Bark',
        description: 'What dogs pay with',
        iconUrl: 'https://bark.example/icon.png',
      },
    }),
  ],
  [
    'getTransaction',
    ['LedgerService/GetTransaction'],
    (c, s) =>
      c.getTransaction({
        digest: s.digest,
        include: {
          effects: true,
          transaction: true,
          balanceChanges: true,
          objectTypes: true,
          bcs: true,
          protoJson: true,
        },
      }),
    (s) => ({
      Transaction: {
        digest: s.digest,
        status: { success: true },
        transaction: { sender: s.world.address, commands: [{}, {}, {}, {}, {}] },
        bcs: Uint8Array,
        effects: { gasObject: {} },
        balanceChanges: [{ address: s.world.address }],
      },
      protoJson: { digest: s.digest },
    }),
  ],
  [
    'executeTransaction',
    ['TransactionExecutionService/SimulateTransaction', 'TransactionExecutionService/ExecuteTransaction'],
    async (client, s) => {
      const transaction = await s.transfer().build({ client });
      const { signature } = await s.world.user.signTransaction(transaction);
      return await client.executeTransaction({ transaction, signatures: [signature] });
    },
    () => ({ Transaction: { status: { success: true }, signatures: [String] } }),
  ],
  [
    'signAndExecuteTransaction',
    ['TransactionExecutionService/SimulateTransaction', 'TransactionExecutionService/ExecuteTransaction'],
    (c, s) => c.signAndExecuteTransaction({ transaction: s.transfer(), signer: s.world.user }),
    () => ({ Transaction: { status: { success: true } } }),
  ],
  [
    'waitForTransaction',
    ['LedgerService/GetTransaction'],
    (c, s) => c.waitForTransaction({ digest: s.digest }),
    (s) => ({ Transaction: { digest: s.digest } }),
  ],
  [
    'simulateTransaction',
    ['TransactionExecutionService/SimulateTransaction'],
    (c, s) => {
      const tx = new Transaction();
      tx.setSender(s.world.address);
      tx.moveCall({
        target: `${s.coinPackage}::bark::mood`,
        typeArguments: ['u8'],
        arguments: [tx.pure.u64(2)],
      });
      return c.simulateTransaction({ transaction: tx, include: { commandResults: true, effects: true } });
    },
    () => ({
      Transaction: { status: { success: true }, effects: {} },
      commandResults: [
        { returnValues: [{ bcs: Uint8Array.from([1, 2, 0, 0, 0, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 0, 0, 0]) }] },
      ],
    }),
  ],
  [
    'getReferenceGasPrice',
    ['LedgerService/GetEpoch'],
    (c) => c.getReferenceGasPrice(),
    () => ({ referenceGasPrice: '1000' }),
  ],
  [
    'getCurrentSystemState',
    ['LedgerService/GetEpoch'],
    (c) => c.getCurrentSystemState(),
    () => ({
      systemState: { epoch: '0', referenceGasPrice: '1000', parameters: { epochDurationMs: '86400000' } },
    }),
  ],
  [
    'getProtocolConfig',
    ['LedgerService/GetEpoch'],
    (c) => c.getProtocolConfig(),
    () => ({ protocolConfig: { protocolVersion: '100' } }),
  ],
  [
    'getChainIdentifier',
    ['LedgerService/GetServiceInfo'],
    (c) => c.getChainIdentifier(),
    (s) => ({ chainIdentifier: s.world.ledger.chainId }),
  ],
  [
    'listDynamicFields',
    ['StateService/ListDynamicFields'],
    (c, s) => c.listDynamicFields({ parentId: s.parent, include: { value: true } }),
    () => ({
      dynamicFields: [{ value: { bcs: Uint8Array } }, { value: { bcs: Uint8Array } }],
      hasNextPage: false,
    }),
  ],
  [
    'listTransactions',
    ['LedgerService/ListTransactions'],
    (c, s) =>
      c.listTransactions({ filter: { sender: s.world.address }, limit: 1, include: { effects: true } }),
    () => ({ transactions: [{ Transaction: { effects: {} } }], hasNextPage: true }),
  ],
  [
    'listEvents',
    ['LedgerService/ListEvents'],
    (c) => c.listEvents({ limit: 1 }),
    () => ({ events: [], hasNextPage: false }),
  ],
  [
    'getMoveFunction',
    ['MovePackageService/GetFunction'],
    (c, s) => c.getMoveFunction({ packageId: s.coinPackage, moduleName: 'bark', name: 'mood' }),
    () => ({ function: { name: 'mood', visibility: 'public', typeParameters: [{}], parameters: [{}] } }),
  ],
  [
    'verifyZkLoginSignature',
    ['SignatureVerificationService/VerifySignature'],
    async (client, { world: { user, address } }) => {
      const bytes = new TextEncoder().encode('hello');
      const { signature } = await user.signPersonalMessage(bytes);
      const ask = (message: Uint8Array) =>
        client.verifyZkLoginSignature({
          bytes: toBase64(message),
          signature,
          intentScope: 'PersonalMessage',
          address,
        });
      return [await ask(bytes), await ask(bytes.subarray(1))];
    },
    () => [{ success: true }, { success: false, errors: [String] }],
  ],
];

/** Methods of the client that cannot work here, with the RPC that is refused. */
const REFUSED_ROWS: readonly (readonly [
  Extract<keyof SuiGrpcClient, string>,
  string,
  (client: SuiGrpcClient) => Promise<unknown>,
])[] = [
  [
    'defaultNameServiceName',
    'NameService/ReverseLookupName',
    (c) => c.defaultNameServiceName({ address: '0x1' }),
  ],
  [
    'resolveNameServiceAddress',
    'NameService/LookupName',
    (c) => c.resolveNameServiceAddress({ name: 'a.sui' }),
  ],
];

/** Held by the rows above: they only pass on to one of them, or make no call. */
const INDIRECT = [
  'constructor',
  'mvr',
  'getDynamicField',
  'getDynamicObjectField',
  'resolveTransactionPlugin',
];

for (const format of ['text', 'binary'] as const) {
  void t.test(`every method of SuiGrpcClient (${format})`, async (t) => {
    await using world = await createWorld();
    const stage = await createStage(world);
    const asked: string[] = [];
    const client = new SuiGrpcClient({
      network: 'localnet',
      baseUrl: world.url,
      format,
      fetch: (input, init) => {
        asked.push(new URL(new Request(input).url).pathname.replace('/sui.rpc.v2.', ''));
        return fetch(input, init);
      },
    });
    for (const [method, rpcs, call, expected] of ROWS) {
      asked.length = 0;
      t.match(await call(client, stage), expected(stage), method);
      t.strictSame([...new Set(asked)], rpcs, `${method}: ${rpcs.join(', ')}`);
    }
    for (const [method, rpc, call] of REFUSED_ROWS) {
      asked.length = 0;
      await t.rejects(call(client), { code: 'UNIMPLEMENTED', message: /SuiNS/ }, method);
      t.strictSame(asked, [rpc]);
    }
    const known = new Set<string>([...[...ROWS, ...REFUSED_ROWS].map(([method]) => method), ...INDIRECT]);
    const methods = Object.getOwnPropertyNames(SuiGrpcClient.prototype);
    t.strictSame(
      methods.filter((name) => !known.has(name)),
      [],
      'no method of the client is left out',
    );

    const parentId = stage.parent;
    const field = await client.getDynamicField({
      parentId,
      name: { type: '0x1::string::String', bcs: bcs.string().serialize('k').toBytes() },
    });
    t.equal(bcs.string().parse(field.dynamicField.value.bcs), 'v');
    const child = await client.getDynamicObjectField({
      parentId,
      name: { type: 'u64', bcs: bcs.u64().serialize(7).toBytes() },
    });
    t.equal(child.object.type, `${world.packageId}::counter::Ticket`);
  });
}

void t.test('every RPC of the API is served, or refused by name and listed in the README', async (t) => {
  await using world = await createWorld();
  const readme = await readFile(join(import.meta.dirname, 'README.md'), 'utf8');
  let served = 0;
  for (const { typeName, methods } of SERVICES) {
    const service = typeName.split('.').at(-1) ?? '';
    for (const { name, I, serverStreaming } of methods) {
      const rpc = `${service}/${name}`;
      const abort = new AbortController();
      const message = I.toBinary(I.create());
      const response = await fetch(`${world.url}/${typeName}/${name}`, {
        method: 'POST',
        headers: { 'content-type': 'application/grpc-web+proto' },
        body: Buffer.concat([Buffer.from([0, 0, 0, 0, message.length]), message]),
        signal: abort.signal,
      });
      const endless = service === 'SubscriptionService';
      const status = endless ? undefined : /grpc-status:(\d+)/.exec(await response.text())?.[1];
      abort.abort();
      if (REFUSED.has(rpc)) {
        t.equal(status, '12', `${rpc} is refused`);
        t.ok(readme.includes(`\`${service}\``), `${service} is named in the README`);
      } else {
        served += 1;
        t.notOk(['12', '13'].includes(status ?? ''), `${rpc} is served (${status ?? 'a stream'})`);
        t.equal(serverStreaming, endless || (name.startsWith('List') && service === 'LedgerService'));
      }
    }
  }
  t.equal(served, 25);
});

async function packages(t: Test, { world, coinPackage }: Stage): Promise<void> {
  const { movePackageService: service, ledgerService } = world.client;
  const { response } = await service.getPackage({ packageId: coinPackage });
  const module = response.package?.modules[0];
  t.match(response.package, { storageId: coinPackage, originalId: coinPackage, version: 1n });
  t.strictSame(module?.functions.map(({ name }) => name).sort(), ['init', 'mood']);
  const { ENUM } = GrpcTypes.DatatypeDescriptor_DatatypeKind;
  const { VECTOR, U64, TYPE_PARAMETER } = GrpcTypes.OpenSignatureBody_Type;
  const { COPY, DROP, STORE } = GrpcTypes.Ability;
  const { response: mood } = await service.getDatatype({
    packageId: coinPackage,
    moduleName: 'bark',
    name: 'Mood',
  });
  t.match(mood.datatype, {
    typeName: `${coinPackage}::bark::Mood`,
    kind: ENUM,
    abilities: [COPY, DROP, STORE],
    typeParameters: [
      { isPhantom: true, constraints: [] },
      { isPhantom: false, constraints: [STORE] },
    ],
    variants: [
      { name: 'Calm', position: 0, fields: [] },
      {
        name: 'Loud',
        position: 1,
        fields: [
          { name: 'times', type: { type: U64 } },
          {
            name: 'at',
            position: 1,
            type: { type: VECTOR, typeParameterInstantiation: [{ type: TYPE_PARAMETER, typeParameter: 1 }] },
          },
        ],
      },
    ],
  });
  const { response: versions } = await service.listPackageVersions({ packageId: coinPackage });
  t.match(versions.versions, [{ packageId: coinPackage, version: 1n }]);
  const missing = { packageId: '0x77', moduleName: 'a', name: 'b' };
  await t.rejects(service.getPackage(missing).response, { code: 'NOT_FOUND' });
  await t.rejects(service.getDatatype({ ...missing, packageId: coinPackage }).response, {
    code: 'NOT_FOUND',
  });
  await t.rejects(service.listPackageVersions(missing).response, { code: 'NOT_FOUND' });
  const { response: object } = await ledgerService.getObject({
    objectId: coinPackage,
    readMask: { paths: ['package.modules.name', 'package.linkage'] },
  });
  t.match(object.object?.package?.modules, [{ name: 'bark' }]);
  t.equal(object.object?.package?.modules[0]?.contents, undefined);
  t.ok((object.object?.package?.linkage.length ?? 0) >= 2);
}

void t.test('services that the client has no method for', async (t) => {
  await using world = await createWorld();
  const stage = await createStage(world);
  const { ledgerService, stateService } = world.client;
  await packages(t, stage);

  const bare = await ledgerService.getObject({ objectId: world.counterId }).response;
  t.match(bare.object, { objectId: world.counterId, version: BigInt, digest: String });
  t.equal(bare.object?.objectType, undefined, 'the default mask');
  await t.rejects(ledgerService.getObject({ objectId: '0x77' }).response, { code: 'NOT_FOUND' });
  await t.rejects(ledgerService.getObject({ objectId: 'nonsense' }).response, { code: 'INVALID_ARGUMENT' });
  await t.rejects(ledgerService.getObject({}).response, { code: 'INVALID_ARGUMENT' });
  await t.rejects(
    ledgerService.getObject({ objectId: '0x6', readMask: { paths: ['contents', 'nothing.at.all'] } })
      .response,
    { code: 'INVALID_ARGUMENT', message: 'invalid read_mask path: nothing.at.all' },
  );
  const { response: batch } = await ledgerService.batchGetTransactions({
    digests: [stage.digest, '11111111111111111111111111111111'],
    readMask: { paths: ['effects.gas_used', 'digest'] },
  });
  t.match(batch.transactions, [
    { result: { oneofKind: 'transaction', transaction: { digest: stage.digest, effects: { gasUsed: {} } } } },
    { result: { oneofKind: 'error', error: { code: 5 } } },
  ]);
  const [first] = batch.transactions;
  if (first?.result.oneofKind === 'transaction')
    t.equal(first.result.transaction.effects?.status, undefined, 'only what the mask names');
  const { response: sui } = await stateService.getCoinInfo({ coinType: '0x2::sui::SUI' });
  t.match(sui.metadata, { decimals: 9, symbol: 'SUI' });
  const { response: bark } = await stateService.getCoinInfo({ coinType: stage.coinType });
  t.equal(bark.treasury?.totalSupply, 5_000n);
  await t.rejects(stateService.getCoinInfo({ coinType: '0x2::sui::NO' }).response, { code: 'NOT_FOUND' });
});

void t.test('a sponsored transaction: the sponsor pays, both sign', async (t) => {
  await using world = await createWorld();
  const { client, user, address, ledger, packageId, counterId } = world;
  const sponsor = Ed25519Keypair.fromSecretKey(new Uint8Array(32).fill(9));
  const payer = sponsor.toSuiAddress();
  ledger.faucet(payer, 5_000_000_000n);
  const wish = new Transaction();
  wish.moveCall({
    target: `${packageId}::counter::add`,
    arguments: [wish.object(counterId), wish.pure.u64(5), wish.object.clock()],
  });
  const kind = await wish.build({ client, onlyTransactionKind: true });
  const tx = Transaction.fromKind(kind);
  tx.setSender(address);
  tx.setGasOwner(payer);
  const { objects } = await client.listCoins({ owner: payer });
  tx.setGasPayment(objects.map(({ objectId, version, digest }) => ({ objectId, version, digest })));
  const bytes = await tx.build({ client });
  const mine = (await user.signTransaction(bytes)).signature;
  const theirs = (await sponsor.signTransaction(bytes)).signature;
  const execute = (signatures: string[]) =>
    client.executeTransaction({
      transaction: bytes,
      signatures,
      include: { effects: true, balanceChanges: true },
    });
  for (const signatures of [[mine], [theirs], [mine, mine], [mine, theirs, theirs]]) {
    await t.rejects(execute(signatures), { code: 'INVALID_ARGUMENT' }, 'both, and nobody else');
  }
  const before = (await client.getBalance({ owner: address })).balance.balance;
  const done = await execute([theirs, mine]);
  t.strictSame(
    done.Transaction?.balanceChanges.map((change) => change.address),
    [payer],
  );
  t.equal(done.Transaction?.effects.gasObject?.outputOwner?.AddressOwner, payer);
  t.equal((await client.getBalance({ owner: address })).balance.balance, before, 'the sender paid nothing');
  const other = new Transaction();
  other.setSender(address);
  other.setGasOwner(address);
  other.setGasPayment(objects.map(({ objectId, version, digest }) => ({ objectId, version, digest })));
  other.setGasBudget(2_000_000);
  other.setGasPrice(1_000);
  const stolen = await other.build({ client }).then(
    async (built) => {
      const { signature } = await user.signTransaction(built);
      return await client.executeTransaction({ transaction: built, signatures: [signature] }).catch(String);
    },
    (error: unknown) => String(error),
  );
  t.match(
    stolen,
    /unavailable for consumption|not signed by the correct sender/,
    "nobody pays with another's coins",
  );
});
