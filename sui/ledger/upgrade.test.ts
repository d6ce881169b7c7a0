import { bcs } from '@mysten/sui/bcs';
import { GrpcTypes } from '@mysten/sui/grpc';
import { Transaction, type TransactionObjectArgument } from '@mysten/sui/transactions';
import { toBase64 } from '@mysten/sui/utils';
import t from 'tap';

import { feeAt, REFERENCE_GAS_PRICE } from './index.ts';
import { compileUpgrade, type Compiled, type Link } from './testdata/packages.ts';
import { changes, createWorld, type Result, type World } from './testdata/world.ts';

const FEE = feeAt(REFERENCE_GAS_PRICE);
/** The same chain every time: what is compiled for ids on it comes from the compiler's cache. */
const SEED = new Uint8Array(32).fill(4);
const COMPATIBLE = 0;
const ADDITIVE = 128;
const DEP_ONLY = 192;

interface Package {
  readonly id: string;
  readonly cap: string;
  readonly created: ReturnType<typeof changes>['created'];
}

async function publish(world: World, { modules, dependencies }: Compiled): Promise<Package> {
  const result = await world.run((tx) => {
    const cap = tx.publish({ modules: modules.map(toBase64), dependencies: [...dependencies] });
    tx.transferObjects([cap], world.address);
  });
  const { created } = changes(result);
  return { id: idOf(created, 'package'), cap: idOf(created, '::package::UpgradeCap'), created };
}

function idOf(created: Package['created'], suffix: string): string {
  return created.find(({ type }) => type.endsWith(suffix))?.id ?? '';
}

interface Upgrade {
  /** Id of the newest version. */
  readonly from: string;
  readonly cap: string;
  readonly compiled: Compiled;
  readonly policy?: number;
  readonly digest?: Uint8Array;
  /** The package that the command names; that of the ticket unless given. */
  readonly named?: string;
}

/** Authorizes, upgrades and commits in one transaction, as `sui client upgrade` does. */
function addUpgrade(tx: Transaction, { from, cap, compiled, policy, digest, named }: Upgrade): void {
  const ticket = tx.moveCall({
    target: '0x2::package::authorize_upgrade',
    arguments: [
      tx.object(cap),
      tx.pure.u8(policy ?? COMPATIBLE),
      tx.pure.vector('u8', Array.from(digest ?? compiled.digest)),
    ],
  });
  const receipt = upgradeCommand(tx, named ?? from, compiled, ticket);
  tx.moveCall({ target: '0x2::package::commit_upgrade', arguments: [tx.object(cap), receipt] });
}

function upgradeCommand(
  tx: Transaction,
  from: string,
  { modules, dependencies }: Compiled,
  ticket: TransactionObjectArgument,
): TransactionObjectArgument {
  return tx.upgrade({
    modules: modules.map(toBase64),
    dependencies: [...dependencies],
    package: from,
    ticket,
  });
}

async function upgrade(world: World, request: Upgrade): Promise<string> {
  const result = await world.run((tx) => {
    addUpgrade(tx, request);
  });
  return idOf(changes(result).created, 'package');
}

/** Runs what must fail without a dry run, and returns the error as the effects have it. */
async function failure(world: World, build: (tx: Transaction) => void): Promise<unknown> {
  const result = await world.run(
    (tx) => {
      tx.setGasBudget(FEE);
      build(tx);
    },
    undefined,
    'unresolved',
  );
  const effects = bcs.TransactionEffects.parse(result.FailedTransaction?.effects.bcs ?? new Uint8Array());
  const status = effects.V2?.status;
  return status?.$kind === 'Failure' ? status.Failure.error : status;
}

/** Contents of everything but the gas coin and the clock. */
function contents({ ledger, address }: World): unknown {
  const owned = ledger.objects.ownedBy('address', address);
  return owned
    .filter(({ type }) => !type.key.includes('::coin::'))
    .map(({ id, contents: bytes }) => [id, bytes]);
}

async function view(world: World, target: string, build: Partial<Call> = {}): Promise<unknown> {
  const {
    types = [],
    args = () => [],
    parse = (bytes: Uint8Array) => Number(bcs.u64().parse(bytes)),
  } = build;
  const tx = new Transaction();
  tx.setSender(world.address);
  tx.moveCall({ target, typeArguments: types, arguments: args(tx) });
  const result = await world.client.simulateTransaction({
    transaction: tx,
    include: { commandResults: true },
  });
  const [value] = result.commandResults.at(-1)?.returnValues ?? [];
  return value === undefined ? result.FailedTransaction?.status.error?.message : parse(value.bcs);
}

interface Call {
  readonly types: string[];
  readonly args: (tx: Transaction) => TransactionObjectArgument[];
  readonly parse: (bytes: Uint8Array) => unknown;
}

function call(
  tx: Transaction,
  target: string,
  args: (string | TransactionObjectArgument)[] = [],
  types: string[] = [],
) {
  const given = args.map((arg) => (typeof arg === 'string' ? tx.object(arg) : arg));
  return tx.moveCall({ target, arguments: given, typeArguments: types });
}

async function make(world: World, target: string, number = 7): Promise<{ id: string; type: string }> {
  const result = await world.run((tx) => {
    tx.transferObjects([call(tx, target, [tx.pure.u64(number)])], world.address);
  });
  return changes(result).created[0] ?? { id: '', type: '' };
}

const parsePackage = (bytes: Uint8Array) => bcs.Object.parse(bytes).data.Package;

void t.test(
  'three versions: code, types and objects of each, and a shared object that locks the old out',
  async (t) => {
    await using world = await createWorld({ seed: SEED });
    const { client, run, ledger } = world;
    const [v1Code, v2Code, v3Code] = await Promise.all(
      ['v1', 'v2', 'v3'].map((folder) => compileUpgrade(folder)),
    );
    if (v1Code === undefined || v2Code === undefined || v3Code === undefined) throw new Error('not compiled');
    const v1 = await publish(world, v1Code);
    const cap = v1.cap;
    const vault = idOf(v1.created, '::vault::Vault');
    const admin = idOf(v1.created, '::vault::AdminCap');
    const item = await make(world, `${v1.id}::vault::item`);
    const Cap = bcs.struct('UpgradeCap', {
      id: bcs.Address,
      package: bcs.Address,
      version: bcs.u64(),
      policy: bcs.u8(),
    });
    const capOf = async () =>
      Cap.parse((await client.getObject({ objectId: cap, include: { content: true } })).object.content);
    t.match(await capOf(), { package: v1.id, version: '1', policy: 0 });
    const deposit = (id: string) =>
      run((tx) => void call(tx, `${id}::vault::deposit`, [vault, tx.pure.u64(5)]));
    t.ok((await deposit(v1.id)).Transaction);

    const upgraded = await run((tx) => {
      addUpgrade(tx, { from: v1.id, cap, compiled: v2Code });
    });
    const v2 = idOf(changes(upgraded).created, 'package');
    t.not(v2, v1.id);
    t.match(await capOf(), { package: v2, version: '2', policy: 0 });
    const written = upgraded.Transaction?.effects.changedObjects.find(({ objectId }) => objectId === v2);
    t.match(written, {
      outputState: 'PackageWrite',
      outputVersion: '2',
      idOperation: 'Created',
      inputState: 'DoesNotExist',
    });
    t.match(
      await client.ledgerService
        .getObject({ objectId: v2, readMask: { paths: ['package', 'bcs', 'version'] } })
        .then(({ response }) => response.object?.package),
      { storageId: v2, originalId: v1.id, version: 2n },
    );
    const v3 = await upgrade(world, { from: v2, cap, compiled: v3Code });
    t.match(await capOf(), { package: v3, version: '3' });

    // Every version runs its own code on the same objects.
    const ids = [v1.id, v2, v3];
    t.strictSame(await Promise.all(ids.map((id) => view(world, `${id}::vault::code_version`))), [1, 2, 3]);
    const describe = { args: (tx: Transaction) => [tx.object(item.id)] };
    t.strictSame(
      await Promise.all(ids.map((id) => view(world, `${id}::vault::describe`, describe))),
      [71, 72, 73],
    );
    t.equal(await view(world, `${v2}::extra::doubled`, describe), 14, 'a new module');
    await t.rejects(
      view(world, `${v1.id}::extra::doubled`, describe),
      /does not exist/,
      'which version 1 has not',
    );
    const made: string[] = [];
    for (const id of ids) made.push((await make(world, `${id}::vault::item`)).type);
    t.strictSame(
      made,
      ids.map(() => `${v1.id}::vault::Item`),
      'a type of version 1 stays one',
    );
    const badges = [await make(world, `${v2}::vault::badge`), await make(world, `${v3}::vault::badge`)];
    t.strictSame(
      badges.map(({ type }) => type),
      [`${v2}::vault::Badge`, `${v2}::vault::Badge`],
      'a type of version 2 has the id of version 2',
    );
    const crowned = await run((tx) => {
      const crown = call(tx, `${v3}::vault::crown`, [badges[0]?.id ?? '']);
      tx.transferObjects([crown], world.address);
    });
    t.equal(changes(crowned).created[0]?.type, `${v3}::vault::Crown`);
    const events = await client.listEvents({ filter: { eventType: `${v1.id}::vault::Made` } });
    t.strictSame(
      events.events.map(({ packageId, eventType }) => [packageId, eventType]),
      [v1.id, v1.id, v2, v3].map((id) => [id, `${v1.id}::vault::Made`]),
      'an event names the package that was called and the type by its definition',
    );

    // Names of types: any version that has the type will do; what is stored is the defining one.
    const parse = (bytes: Uint8Array) => bcs.vector(bcs.string()).parse(bytes);
    const bare = (id: string, rest: string) => `${id.slice(2)}::${rest}`;
    const names = (type: string, id = v3) => view(world, `${id}::vault::names`, { types: [type], parse });
    for (const id of ids) {
      t.strictSame(await names(`${id}::vault::Item`), [
        bare(v1.id, 'vault::Item'),
        bare(v1.id, 'vault::Item'),
      ]);
    }
    for (const id of [v2, v3]) {
      t.strictSame(await names(`${id}::vault::Badge`), [
        bare(v2, 'vault::Badge'),
        bare(v1.id, 'vault::Badge'),
      ]);
    }
    t.match(await names(`${v1.id}::vault::Badge`), /type not found/, 'version 1 has no such type');
    const nested = `${v3}::vault::Pair<${v3}::vault::Crown, vector<${v1.id}::vault::Shape>>`;
    t.strictSame(await names(nested), [
      `${bare(v1.id, 'vault::Pair')}<${bare(v3, 'vault::Crown')},vector<${bare(v1.id, 'vault::Shape')}>>`,
      `${bare(v1.id, 'vault::Pair')}<${bare(v1.id, 'vault::Crown')},vector<${bare(v1.id, 'vault::Shape')}>>`,
    ]);
    t.match(
      await names(`${v2}::vault::Badge`, v1.id),
      /Linkage requires exactly/,
      'version 1 of a package does not run with a type of version 2',
    );

    // The dynamic field that version 2 writes under a type of its own is read by version 3.
    await run((tx) => void call(tx, `${v2}::vault::mark`, [item.id, tx.pure.u64(99)]));
    const { dynamicFields } = await client.listDynamicFields({ parentId: item.id });
    t.match(dynamicFields[0], { name: { type: `${v2}::vault::Mark` } });

    // migrate: from then on only the newest code may change the vault.
    t.match(await failure(world, (tx) => void call(tx, `${v3}::vault::deposit`, [vault, tx.pure.u64(5)])), {
      MoveAbort: [{ module: { address: v3, name: 'vault' }, functionName: 'deposit' }, '1'],
    });
    t.ok((await deposit(v1.id)).Transaction, 'not before');
    t.ok((await run((tx) => void call(tx, `${v3}::vault::migrate`, [vault, admin]))).Transaction);
    t.ok((await deposit(v3)).Transaction);
    for (const id of [v1.id, v2]) {
      t.match(
        await failure(world, (tx) => void call(tx, `${id}::vault::deposit`, [vault, tx.pure.u64(5)])),
        { MoveAbort: [{ module: { address: id } }, '1'] },
        'the location of an abort is the version that ran',
      );
    }
    t.match(await failure(world, (tx) => void call(tx, `${v2}::vault::migrate`, [vault, admin])), {
      MoveAbort: [{ functionName: 'migrate' }, '3'],
    });
    t.ok(
      (await run((tx) => void call(tx, `${v1.id}::vault::tap`, [vault]))).Transaction,
      'code is never gone',
    );

    // What a node stores of a package.
    const stored = await Promise.all(
      ids.map(async (objectId) =>
        parsePackage((await client.getObject({ objectId, include: { objectBcs: true } })).object.objectBcs),
      ),
    );
    t.strictSame(
      stored.map((one) => [one?.id, one?.version]),
      ids.map((id, index) => [id, String(index + 1)]),
    );
    const origins = (index: number) =>
      Object.fromEntries(
        stored[index]?.typeOriginTable.map((one) => [
          `${one.moduleName}::${one.datatypeName}`,
          one.package,
        ]) ?? [],
      );
    const first = ['Vault', 'AdminCap', 'Item', 'Pair', 'Made', 'Shape'].map((name) => [
      `vault::${name}`,
      v1.id,
    ]);
    t.strictSame(origins(0), Object.fromEntries(first));
    const second = { 'vault::Badge': v2, 'vault::Mark': v2, 'extra::Wrapped': v2 };
    t.strictSame(origins(1), { ...Object.fromEntries(first), ...second });
    t.strictSame(origins(2), { ...origins(1), 'vault::Crown': v3 });
    const { function: crown } = await client.getMoveFunction({
      packageId: v3,
      moduleName: 'vault',
      name: 'crown',
    });
    t.match(crown.parameters[0]?.body, { datatype: { typeName: `${v2}::vault::Badge` } });
    t.match(crown.returns[0]?.body, { datatype: { typeName: `${v3}::vault::Crown` } });
    await t.rejects(
      client.getMoveFunction({ packageId: v2, moduleName: 'vault', name: 'crown' }),
      /not found/,
    );
    const { movePackageService } = client;
    for (const packageId of ids) {
      const { response } = await movePackageService.listPackageVersions({ packageId });
      t.strictSame(
        response.versions.map((one) => [one.packageId, one.version]),
        ids.map((id, index) => [id, BigInt(index + 1)]),
      );
    }
    const { response: whole } = await movePackageService.getPackage({ packageId: v2 });
    t.match(whole.package, { storageId: v2, originalId: v1.id, version: 2n });
    t.strictSame(whole.package?.modules.map(({ name }) => name).sort(), ['extra', 'vault']);
    const { response: badge } = await movePackageService.getDatatype({
      packageId: v3,
      moduleName: 'vault',
      name: 'Badge',
    });
    t.match(badge.datatype, { definingId: v2, typeName: `${v2}::vault::Badge` });
    t.equal(ledger.loader.originalId(v3), v1.id);
  },
);

void t.test(
  'dependents run the version they were published with, or a newer one that a type asks for',
  async (t) => {
    await using world = await createWorld({ seed: SEED });
    const { client, run } = world;
    const v1 = await publish(world, await compileUpgrade('v1'));
    const link = (folder: string, publishedAt: string): Link => ({
      folder,
      name: 'base',
      originalId: v1.id,
      publishedAt,
    });
    const v2 = await upgrade(world, { from: v1.id, cap: v1.cap, compiled: await compileUpgrade('v2') });
    const old = await publish(world, await compileUpgrade('user', { links: [link('v1', v1.id)] }));
    const fresh = await publish(world, await compileUpgrade('user', { links: [link('v2', v2)] }));
    const users = [old.id, fresh.id];
    t.strictSame(await Promise.all(users.map((id) => view(world, `${id}::user::version_seen`))), [1, 2]);
    const linkage = await Promise.all(
      users.map(async (objectId) => {
        const { object } = await client.getObject({ objectId, include: { objectBcs: true } });
        return [...(parsePackage(object.objectBcs)?.linkageTable ?? [])].find(([id]) => id === v1.id)?.[1];
      }),
    );
    t.strictSame(linkage, [
      { upgradedId: v1.id, upgradedVersion: '1' },
      { upgradedId: v2, upgradedVersion: '2' },
    ]);

    // Both handle the same objects.
    const box = await make(world, `${old.id}::user::make`);
    t.equal(box.type, `${old.id}::user::Box`);
    const opened = await run((tx) => {
      tx.transferObjects([call(tx, `${old.id}::user::open`, [box.id])], world.address);
    });
    const item = changes(opened).unwrapped[0] ?? changes(opened).created[0]?.id ?? '';
    const args = (tx: Transaction) => [tx.object(item)];
    t.strictSame(
      await Promise.all(users.map((id) => view(world, `${id}::user::describe`, { args }))),
      [71, 72],
    );

    // A type argument of version 2 lifts the dependency of a public call, and only of a public one.
    const seen = (name: string, type: string) => view(world, `${old.id}::user::${name}`, { types: [type] });
    t.equal(await seen('version_seen_with', `${v1.id}::vault::Item`), 1);
    t.equal(
      await seen('version_seen_with', `${v2}::vault::Item`),
      1,
      'defined in version 1, whoever names it',
    );
    t.equal(await seen('version_seen_with', `${v2}::vault::Badge`), 2);
    t.equal(await seen('version_seen_with', `vector<0x2::coin::Coin<${v2}::vault::Badge>>`), 2);
    t.equal(await seen('private_version_seen_with', `${v1.id}::vault::Item`), 1);
    t.match(await seen('private_version_seen_with', `${v2}::vault::Badge`), /Linkage requires exactly/);
    t.match(
      await failure(world, (tx) => {
        call(tx, `${old.id}::user::private_version_seen_with`, [], [`${v2}::vault::Badge`]);
      }),
      { $kind: 'InvalidLinkage' },
    );
    t.equal(await view(world, `${old.id}::user::version_seen`), 1, 'and nothing of it stays');
    for (const [id, version] of [[old.id, v1.id] as const, [fresh.id, v2] as const]) {
      t.match(await failure(world, (tx) => void call(tx, `${id}::user::fail`)), {
        MoveAbort: [{ module: { address: version, name: 'vault' }, functionName: 'fail' }, '2'],
      });
    }

    // A package over both: what it names is what all of its dependencies run with.
    const outerLinks = (user: string, base: string) => [
      link(base === v1.id ? 'v1' : 'v2', base),
      { folder: 'user', name: 'user', originalId: user, publishedAt: user },
    ];
    const outer = async (user: string, base: string) =>
      await compileUpgrade('outer', { links: outerLinks(user, base) });
    const lifted = await publish(world, await outer(old.id, v2));
    t.equal(await view(world, `${lifted.id}::outer::version_seen`), 2);
    t.equal(await view(world, `${old.id}::user::version_seen`), 1, 'called directly it runs as before');
    const plain = await publish(world, await outer(old.id, v1.id));
    t.equal(await view(world, `${plain.id}::outer::version_seen`), 1);

    const refused = async (compiled: Compiled) =>
      await failure(world, (tx) => {
        const { modules, dependencies } = compiled;
        const cap = tx.publish({ modules: modules.map(toBase64), dependencies: [...dependencies] });
        tx.transferObjects([cap], world.address);
      });
    const before = contents(world);
    const over = await outer(fresh.id, v2);
    const without = (id: string) => over.dependencies.filter((one) => one !== id);
    t.match(await refused({ ...over, dependencies: [...without(v2), v1.id] }), {
      $kind: 'PublishUpgradeDependencyDowngrade',
    });
    t.match(await refused({ ...over, dependencies: [...over.dependencies, v1.id] }), {
      $kind: 'InvalidLinkage',
    });
    t.match(await refused({ ...over, dependencies: without(v2) }), {
      $kind: 'PublishUpgradeMissingDependency',
    });
    t.match(await refused({ ...over, dependencies: without(fresh.id) }), {
      $kind: 'PublishUpgradeMissingDependency',
    });
    t.strictSame(contents(world), before);
  },
);

/** Replaces a text that must be there. */
function replaced(file: string, from: string, to: string): (path: string, text: string) => string {
  return (path, text) => {
    if (path !== file) return text;
    if (!text.includes(from)) throw new Error(`${file} has no ${from}`);
    return text.replace(from, to);
  };
}

const inVault = (from: string, to: string) => replaced('vault.move', from, to);
const VALUE_FIELD = 'public struct Item has key, store {\n    id: UID,\n    value: u64,';

/** Changes of version 1 (its folder) and whether each policy takes them: compatible, additive, dep only. */
const CHANGES: readonly [string, (path: string, text: string) => string | null, boolean, boolean, boolean][] =
  [
    ['nothing', (_path, text) => text, true, true, true],
    ['another body', inVault('item.value * 10 + VERSION', 'item.value * 100'), true, false, false],
    ['another constant', inVault('const VERSION: u64 = 1;', 'const VERSION: u64 = 9;'), true, false, false],
    [
      'a new function',
      inVault('public fun fail()', 'public fun more() {}\n\npublic fun fail()'),
      true,
      true,
      false,
    ],
    [
      'a new struct',
      inVault('public struct Made', 'public struct New has drop {}\n\npublic struct Made'),
      true,
      true,
      false,
    ],
    [
      'a new module',
      (path, text) =>
        path === 'vault.move' ? `${text}\nmodule base::second {\n    public fun two(): u64 { 2 }\n}\n` : text,
      true,
      true,
      false,
    ],
    [
      'a private entry function gone',
      inVault('entry fun tap(vault: &mut Vault) {\n    vault.total = vault.total + 1;\n}\n', ''),
      true,
      false,
      false,
    ],
    [
      'package function gone',
      inVault('public(package) fun package_only(): u64 {\n    VERSION\n}\n', ''),
      true,
      false,
      false,
    ],
    [
      'package function made public',
      inVault('public(package) fun package_only', 'public fun package_only'),
      true,
      false,
      false,
    ],
    [
      'a constraint relaxed',
      inVault(
        'tag<K: copy + drop + store>(item: &mut Item, key: K, value: u64) {\n    dynamic_field::add(&mut item.id, key, value);',
        'tag<K>(_item: &mut Item, _key: &K, _value: u64) {',
      ),
      false,
      false,
      false,
    ],
    [
      'names without constraint',
      inVault('public fun names<T>()', 'public fun names<T: drop>()'),
      false,
      false,
      false,
    ],
    [
      'public function gone',
      inVault('public fun fail() {\n    abort EAlwaysFails\n}\n', ''),
      false,
      false,
      false,
    ],
    [
      'public function hidden',
      inVault('public fun fail()', 'public(package) fun fail()'),
      false,
      false,
      false,
    ],
    ['another parameter', inVault('public fun fail()', 'public fun fail(_with: u64)'), false, false, false],
    ['another result', inVault('public fun fail()', 'public fun fail(): u64'), false, false, false],
    ['a field more', inVault(VALUE_FIELD, `${VALUE_FIELD}\n    more: Option<u64>,`), false, false, false],
    [
      'a field renamed',
      (path, text) =>
        path === 'vault.move'
          ? text
              .replace('total: u64', 'sum: u64')
              .replaceAll('vault.total', 'vault.sum')
              .replace('total: 0', 'sum: 0')
          : text,
      false,
      false,
      false,
    ],
    [
      'an ability more',
      inVault('public struct Made has copy, drop {', 'public struct Made has copy, drop, store {'),
      false,
      false,
      false,
    ],
    [
      'an ability less',
      inVault(
        'public struct Pair<phantom A, B: store> has copy, drop, store',
        'public struct Pair<phantom A, B: store> has drop, store',
      ),
      false,
      false,
      false,
    ],
    [
      'no longer phantom',
      inVault(
        'public struct Pair<phantom A, B: store> has copy, drop, store {',
        'public struct Pair<A: store, B: store> has copy, drop, store {',
      ),
      false,
      false,
      false,
    ],
    ['a variant more', inVault('    Dot,', '    Dot,\n    Circle,'), false, false, false],
    [
      'a variant last',
      inVault('    Line { length: u64 },', '    Line { length: u64 },\n    Circle,'),
      false,
      false,
      false,
    ],
    ['a struct gone', inVault('public struct AdminCap', 'public struct Other'), false, false, false],
  ];

void t.test('what each policy lets an upgrade change', async (t) => {
  await using world = await createWorld({ seed: SEED });
  const v1Code = await compileUpgrade('v1');
  const v1 = await publish(world, v1Code);
  const tried = async (compiled: Compiled, policy: number): Promise<unknown> => {
    const tx = new Transaction();
    tx.setSender(world.address);
    addUpgrade(tx, { from: v1.id, cap: v1.cap, compiled, policy });
    const result = await world.client.simulateTransaction({ transaction: tx, include: { effects: true } });
    return result.Transaction?.status.success ?? result.FailedTransaction?.status.error?.message;
  };
  const packages = world.ledger.objects.size;
  for (const [name, edit, ...allowed] of CHANGES) {
    const compiled = await compileUpgrade('v1', { edit: fitting(name, edit) });
    for (const [index, policy] of [COMPATIBLE, ADDITIVE, DEP_ONLY].entries()) {
      const outcome = await tried(compiled, policy);
      const label = `${name}, policy ${policy}: ${String(outcome)}`;
      if (allowed[index] === true) t.equal(outcome, true, label);
      else t.match(outcome, /Incompatible upgrade: /, label);
    }
  }
  const gone = await compileUpgrade('v2');
  const v2 = await upgrade(world, { from: v1.id, cap: v1.cap, compiled: gone });
  t.match(
    await failure(world, (tx) => {
      const compiled = { ...v1Code };
      addUpgrade(tx, { from: v2, cap: v1.cap, compiled });
    }),
    { $kind: 'PackageUpgradeError', PackageUpgradeError: { upgradeError: { $kind: 'IncompatibleUpgrade' } } },
    'a module and types gone',
  );
  t.equal(world.ledger.objects.size, packages + 1, 'one package came of all this');
});

/** Some changes of a declaration need others elsewhere to compile. */
function fitting(
  name: string,
  edit: (path: string, text: string) => string | null,
): (path: string, text: string) => string | null {
  const more: Readonly<Record<string, [string, string][]>> = {
    'a constraint relaxed': [],
    'a field more': [
      ['Item { id: object::new(ctx), value }', 'Item { id: object::new(ctx), value, more: option::none() }'],
    ],
    'another result': [['abort EAlwaysFails', 'abort EAlwaysFails']],
    'no longer phantom': [
      [
        'public fun pair<A, B: store>(second: B): Pair<A, B> {',
        'public fun pair<A: store, B: store>(second: B): Pair<A, B> {',
      ],
    ],
    'a struct gone': [['transfer::transfer(AdminCap { id', 'transfer::transfer(Other { id']],
  };
  return (path, text) => {
    const edited = edit(path, text);
    if (path !== 'vault.move' || edited === null) return edited;
    return (more[name] ?? []).reduce((so, [from, to]) => so.replace(from, to), edited);
  };
}

void t.test(
  'tickets: digest, package, policy, receipt; nothing changes where one does not hold',
  async (t) => {
    await using world = await createWorld({ seed: SEED });
    const { run } = world;
    const [v1Code, v2Code] = [await compileUpgrade('v1'), await compileUpgrade('v2')];
    const v1 = await publish(world, v1Code);
    const other = await publish(world, v1Code);
    const base = { from: v1.id, cap: v1.cap, compiled: v2Code };
    const upgradeError = (error: object) => ({ PackageUpgradeError: { upgradeError: error } });
    const digest = Uint8Array.from(v2Code.digest).reverse();
    const [first = new Uint8Array()] = v2Code.modules;
    const cases: [string, (tx: Transaction) => void, object][] = [
      [
        'another digest',
        (tx) => {
          addUpgrade(tx, { ...base, digest });
        },
        upgradeError({ DigestDoesNotMatch: { digest: Array.from(v2Code.digest) } }),
      ],
      [
        'no digest',
        (tx) => {
          addUpgrade(tx, { ...base, digest: new Uint8Array() });
        },
        upgradeError({ $kind: 'DigestDoesNotMatch' }),
      ],
      [
        'another dependency',
        (tx) => {
          addUpgrade(tx, {
            ...base,
            compiled: { ...v2Code, dependencies: [...v2Code.dependencies, other.id] },
          });
        },
        upgradeError({ $kind: 'DigestDoesNotMatch' }),
      ],
      [
        'another package',
        (tx) => {
          addUpgrade(tx, { ...base, named: other.id });
        },
        upgradeError({ PackageIDDoesNotMatch: { packageId: other.id, ticketId: v1.id } }),
      ],
      [
        'an unknown policy',
        (tx) => {
          addUpgrade(tx, { ...base, policy: 7 });
        },
        upgradeError({ UnknownUpgradePolicy: { policy: 7 } }),
      ],
      [
        'a module less',
        (tx) => {
          addUpgrade(tx, { ...base, compiled: { ...v2Code, modules: [first] } });
        },
        upgradeError({ $kind: 'DigestDoesNotMatch' }),
      ],
      [
        'a ticket twice',
        (tx) => {
          addUpgrade(tx, base);
          upgradeCommand(tx, v1.id, v2Code, () => ({ $kind: 'NestedResult', NestedResult: [0, 0] }));
        },
        { CommandArgumentError: { argIdx: 0, kind: { $kind: 'InvalidValueUsage' } } },
      ],
      [
        'a ticket left over',
        (tx) => {
          call(tx, '0x2::package::authorize_upgrade', [v1.cap, tx.pure.u8(0), tx.pure.vector('u8', [])]);
        },
        { $kind: 'UnusedValueWithoutDrop' },
      ],
      [
        'no commit',
        (tx) => {
          const ticket = call(tx, '0x2::package::authorize_upgrade', [
            v1.cap,
            tx.pure.u8(0),
            tx.pure.vector('u8', Array.from(v2Code.digest)),
          ]);
          upgradeCommand(tx, v1.id, v2Code, ticket);
        },
        { $kind: 'UnusedValueWithoutDrop' },
      ],
      [
        'the receipt for another cap',
        (tx) => {
          const ticket = call(tx, '0x2::package::authorize_upgrade', [
            v1.cap,
            tx.pure.u8(0),
            tx.pure.vector('u8', Array.from(v2Code.digest)),
          ]);
          const receipt = upgradeCommand(tx, v1.id, v2Code, ticket);
          call(tx, '0x2::package::commit_upgrade', [other.cap, receipt]);
        },
        { MoveAbort: [{ functionName: 'commit_upgrade' }, '4'] },
      ],
      [
        'two tickets at once',
        (tx) => {
          for (let i = 0; i < 2; i += 1)
            call(tx, '0x2::package::authorize_upgrade', [v1.cap, tx.pure.u8(0), tx.pure.vector('u8', [])]);
        },
        { MoveAbort: [{ functionName: 'authorize_upgrade' }, '2'] },
      ],
      [
        'modules that were published',
        (tx) => {
          const record = world.ledger.objects.get(v1.id);
          const modules = record?.kind === 'package' ? [...record.modules.values()] : [];
          addUpgrade(tx, { ...base, compiled: { ...v2Code, modules } });
        },
        upgradeError({ $kind: 'DigestDoesNotMatch' }),
      ],
      [
        'not bytecode',
        (tx) => {
          addUpgrade(tx, { ...base, compiled: { ...v2Code, modules: [new Uint8Array(9)] } });
        },
        { $kind: 'VMVerificationOrDeserializationError' },
      ],
    ];
    const before = contents(world);
    const size = world.ledger.objects.size;
    for (const [name, build, error] of cases) {
      t.match(await failure(world, build), error, name);
      t.strictSame([contents(world), world.ledger.objects.size], [before, size], `${name}: nothing changed`);
    }

    // The API names the error as Sui does.
    const tx = new Transaction();
    tx.setSender(world.address);
    addUpgrade(tx, { ...base, digest });
    const simulated = await world.client.simulateTransaction({ transaction: tx, include: { effects: true } });
    t.equal(simulated.FailedTransaction?.status.error?.$kind, 'PackageUpgradeError');
    t.equal(GrpcTypes.PackageUpgradeError_PackageUpgradeErrorKind.DIGEST_DOES_NOT_MATCH, 4);

    // Restricting a cap, and giving it up.
    const v2 = await upgrade(world, base);
    t.ok((await run((tx) => void call(tx, '0x2::package::only_additive_upgrades', [v1.cap]))).Transaction);
    const v3Code = await compileUpgrade('v3');
    t.match(
      await failure(world, (tx) => {
        addUpgrade(tx, { from: v2, cap: v1.cap, compiled: v3Code });
      }),
      {
        MoveAbort: [{ functionName: 'authorize_upgrade' }, '1'],
      },
    );
    t.match(
      await failure(world, (tx) => {
        addUpgrade(tx, { from: v2, cap: v1.cap, compiled: v3Code, policy: ADDITIVE });
      }),
      upgradeError({ $kind: 'IncompatibleUpgrade' }),
      'version 3 has another constant',
    );
    t.match(
      await failure(world, (tx) => {
        addUpgrade(tx, { from: v1.id, cap: v1.cap, compiled: v2Code, policy: ADDITIVE });
      }),
      upgradeError({ PackageIDDoesNotMatch: { packageId: v1.id, ticketId: v2 } }),
      'only the newest version is upgraded',
    );
    t.ok(await upgrade(world, { from: v2, cap: v1.cap, compiled: v2Code, policy: ADDITIVE }));
    const immutable = changes(await run((tx) => void call(tx, '0x2::package::make_immutable', [v1.cap])));
    t.strictSame(immutable.deleted, [v1.cap]);
    await t.rejects(upgrade(world, { from: v2, cap: v1.cap, compiled: v3Code }), /not found/i);
  },
);

void t.test('upgrades through a policy of its own', async (t) => {
  await using world = await createWorld({ seed: SEED });
  const { ledger, run } = world;
  const v1 = await publish(world, await compileUpgrade('v1'));
  const policy = await publish(world, await compileUpgrade('policy'));
  const edit = inVault('public fun fail()', 'public fun more(): u64 {\n    5\n}\n\npublic fun fail()');
  const compiled = await compileUpgrade('v1', { edit });
  const guarded = await run((tx) => {
    const guard = call(tx, `${policy.id}::guard::new`, [v1.cap, tx.pure.u64(1)]);
    tx.transferObjects([guard], world.address);
  });
  t.strictSame(changes(guarded).wrapped, [v1.cap]);
  const guard = idOf(changes(guarded).created, '::guard::Guard');
  const attempt = (code: Compiled) => (tx: Transaction) => {
    const digest = tx.pure.vector('u8', Array.from(code.digest));
    const ticket = call(tx, `${policy.id}::guard::authorize`, [guard, digest]);
    const receipt = upgradeCommand(tx, v1.id, code, ticket);
    call(tx, `${policy.id}::guard::commit`, [guard, receipt]);
  };
  t.match(
    await failure(world, attempt(compiled)),
    { MoveAbort: [{ module: { name: 'guard' } }, '1'] },
    'too early',
  );
  ledger.advanceEpoch();
  t.match(await failure(world, attempt(await compileUpgrade('v2'))), {
    PackageUpgradeError: { upgradeError: { $kind: 'IncompatibleUpgrade' } },
  });
  const done: Result = await run(attempt(compiled));
  const v2 = idOf(changes(done).created, 'package');
  t.equal(await view(world, `${v2}::vault::more`), 5);
});
