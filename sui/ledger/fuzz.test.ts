// Right transactions, damaged: whatever comes, the ledger answers with a coded refusal, or a failure that costs gas
// only, or a success that keeps every MIST. FUZZ_MS is how long (3 s unless given), FUZZ_SEED where it begins.

import { bcs } from '@mysten/sui/bcs';
import { GrpcTypes } from '@mysten/sui/grpc';
import { fromBase64, toBase64 } from '@mysten/sui/utils';
import t from 'tap';

import { LedgerError } from './chain/errors.ts';
import { serveLedger, type ExecutedTransaction } from './index.ts';
import { createDirect, differences, stateOf, totalMist, type Direct } from './testdata/direct.ts';
import {
  createArena,
  damage,
  damageBytes,
  Dice,
  hasFunds,
  soundTransaction,
  type Arena,
  type Data,
} from './testdata/fuzz-transactions.ts';

const DURATION_MS = Number(process.env['FUZZ_MS'] ?? 3_000);
const SEED = Number(process.env['FUZZ_SEED'] ?? 20_261_121);
/** Cases on one chain; then a new one begins, so that a long run does not slow down. */
const CASES_PER_CHAIN = 1_500;
/** However slow the machine is: so many have one of each kind. */
const CASES_MIN = 400;
/** What the slowest case may take of a core: far above what the step limit allows for. */
const CASE_MS_MAX = 4_000;
const LIMITS = { stepsMax: 300_000, callDepthMax: 256 };
const DAMAGES_MAX = 3;

t.setTimeout(DURATION_MS + 300_000);

interface Case {
  readonly bytes: Uint8Array;
  readonly signatures: readonly string[];
  /** Whether bytecode was damaged: then the VM may say that it cannot run it. */
  readonly tainted: boolean;
}

const counts: Record<string, number> = {};
function count(what: string): void {
  counts[what] = (counts[what] ?? 0) + 1;
}

async function nextCase(arena: Arena, dice: Dice): Promise<Case> {
  const { user, stranger } = arena.direct;
  const data = await soundTransaction(arena, dice);
  const clean = serialize(data);
  let tainted = false;
  for (let i = dice.below(DAMAGES_MAX + 1); i > 0; i -= 1) tainted = damage(data, arena, dice) || tainted;
  const edited = trySerialize(data) ?? clean;
  const bytes = dice.once(8) ? damageBytes(edited, dice) : edited;
  // Bytes of a module may be among those that were hit.
  tainted ||= bytes !== edited;
  const owners = new Set([data.sender, data.gasData.owner]);
  const signers = [user, stranger].filter(({ address }) => owners.has(address) !== dice.once(30));
  const signatures = await Promise.all(
    signers.map(async ({ key }) => (await key.signTransaction(bytes)).signature),
  );
  if (dice.once(15)) signatures[0] = toBase64(damageBytes(fromBase64(signatures[0] ?? ''), dice));
  return { bytes, signatures, tainted };
}

function serialize(data: Data): Uint8Array {
  return bcs.TransactionData.serialize({ V1: data }, { maxSize: 1 << 21 }).toBytes();
}

/** Null where the damage is such that not even the schema takes it. */
function trySerialize(data: Data): Uint8Array | null {
  try {
    return serialize(data);
  } catch {
    return null;
  }
}

/** Executes, and throws Error for whatever a ledger must not do. */
async function check(direct: Direct, one: Case): Promise<ExecutedTransaction | null> {
  const { ledger } = direct;
  const before = {
    state: stateOf(ledger),
    checkpoint: ledger.checkpoints.latest.digest,
    mist: totalMist(ledger),
  };
  const started = process.cpuUsage();
  let executed: ExecutedTransaction | null = null;
  try {
    executed = await ledger.executeTransaction(one.bytes, one.signatures);
  } catch (error) {
    if (!(error instanceof LedgerError)) throw new Error('a refusal without a code', { cause: error });
    count(`refused ${error.code}`);
  }
  const { user, system } = process.cpuUsage(started);
  const elapsed = (user + system) / 1_000;
  if (elapsed > CASE_MS_MAX) throw new Error(`took ${elapsed} ms of CPU`);
  const changed = differences(ledger, before.state);
  if (executed === null) {
    if (changed.length > 0 || ledger.checkpoints.latest.digest !== before.checkpoint)
      throw new Error(`a refusal changed ${changed.join()}`);
    return null;
  }
  checkExecuted(direct, one, executed, changed, before.mist);
  return executed;
}

function checkExecuted(
  { ledger }: Direct,
  { tainted }: Case,
  { effects, transaction, events }: ExecutedTransaction,
  changed: readonly string[],
  mistBefore: bigint,
): void {
  const fee = effects.gasUsed.computationCost;
  const spent = mistBefore - totalMist(ledger);
  if (spent !== fee) throw new Error(`${spent} MIST are gone, the fee was ${fee}`);
  const named = effects.changed.filter(({ input, output }) => input !== null || output !== null);
  const differ = [...named.map(({ id }) => id)].sort().join() !== changed.join();
  if (differ)
    throw new Error(`the effects name ${named.map(({ id }) => id).join()}, changed are ${changed.join()}`);
  if (effects.status.success) {
    count('succeeded');
    return;
  }
  const { kind } = effects.status.failure;
  count(`failed ${kind}`);
  if (kind === 'VM_INVARIANT_VIOLATION' && !tainted)
    throw new Error(`sound bytecode: ${effects.status.message}`);
  if (events.length > 0) throw new Error('a failed transaction has events');
  const gas = new Set(transaction.data.gasData.payment.map(({ objectId }) => objectId));
  for (const { id, input, output } of named) {
    if (gas.has(id)) continue;
    const same = JSON.stringify(input?.owner, bigints) === JSON.stringify(output?.owner, bigints);
    if (input === null || output === null || !same) throw new Error(`a failed transaction changed ${id}`);
  }
}

const bigints = (_key: string, value: unknown): unknown =>
  typeof value === 'bigint' ? value.toString() : value;

/** Simulations of the same: never a change, never a fault. */
function simulate({ ledger }: Direct, { bytes }: Case, unchecked: boolean): void {
  let data: Data;
  try {
    data = bcs.TransactionData.parse(bytes).V1;
  } catch {
    return;
  }
  const before = [stateOf(ledger), ledger.checkpoints.latest.digest];
  try {
    ledger.simulate(data, { unchecked });
    count('simulated');
  } catch (error) {
    if (!(error instanceof LedgerError))
      throw new Error('a simulation refused without a code', { cause: error });
    count('simulation refused');
  }
  const after = [stateOf(ledger), ledger.checkpoints.latest.digest];
  if (JSON.stringify(before.map(String)) !== JSON.stringify(after.map(String)))
    throw new Error('a simulation changed the state');
}

const GRPC_INTERNAL = '13';
const EXECUTE = 'sui.rpc.v2.TransactionExecutionService/ExecuteTransaction';

/** The same as a request over HTTP, frame and all damaged. Resolves with what was executed, if anything was. */
async function send(
  url: string,
  direct: Direct,
  { bytes, signatures, tainted }: Case,
  dice: Dice,
): Promise<Case | null> {
  const message = GrpcTypes.ExecuteTransactionRequest.toBinary(
    GrpcTypes.ExecuteTransactionRequest.create({
      transaction: { bcs: { value: bytes } },
      signatures: signatures.map((one) => ({
        bcs: { value: fromBase64(one) },
        signature: { oneofKind: undefined },
      })),
    }),
  );
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  const frame = damageBytes(Buffer.concat([head, message]), dice);
  const isText = dice.once(3);
  const { ledger } = direct;
  const before = stateOf(ledger);
  const checkpointBefore = ledger.checkpoints.latest.digest;
  const response = await fetch(`${url}/${EXECUTE}`, {
    method: 'POST',
    body: isText ? Buffer.from(frame).toString('base64') : Buffer.from(frame),
    headers: { 'content-type': isText ? 'application/grpc-web-text' : 'application/grpc-web+proto' },
  });
  const raw = Buffer.from(await response.arrayBuffer()).toString('latin1');
  const text = isText
    ? (raw.match(/[^=]+=*/g) ?? []).map((part) => Buffer.from(part, 'base64').toString('latin1')).join('')
    : raw;
  const status = response.headers.get('grpc-status') ?? /grpc-status:(\d+)/.exec(text)?.[1];
  count(`frame: status ${status ?? response.status}`);
  if (status === undefined) throw new Error(`no grpc-status in ${response.status} ${text.slice(0, 200)}`);
  if (status === GRPC_INTERNAL && /the ledger failed/.test(decodeURIComponent(text)))
    throw new Error(`the ledger failed: ${text}`);
  if (status !== '0' && differences(ledger, before).length > 0)
    throw new Error('a refused frame changed something');
  if (ledger.checkpoints.latest.digest === checkpointBefore) return null;
  const executed = ledger.history.get(ledger.checkpoints.latest.transactions[0]?.transaction ?? '');
  if (executed === undefined) throw new Error('the chain went on without a transaction');
  return { bytes: executed.transaction.bytes, signatures: executed.signatures, tainted };
}

/** Runs the transactions that were executed again on a chain of the same genesis. */
async function replay(genesis: Uint8Array, executed: readonly Case[], expected: string): Promise<void> {
  using direct = await createDirect({ seed: genesis, limits: LIMITS });
  await createArena(direct);
  for (const { bytes, signatures } of executed) await direct.ledger.executeTransaction(bytes, signatures);
  const { digest } = direct.ledger.checkpoints.latest;
  if (digest !== expected) throw new Error(`the replay came to ${digest} instead of ${expected}`);
}

/** Damages and tries until `deadline`, which begins to count once everything is compiled. */
async function runChain(round: number, left: { ms: number }): Promise<void> {
  const dice = new Dice(SEED + round);
  const genesis = dice.bytes(32);
  using direct = await createDirect({ seed: genesis, limits: LIMITS });
  const arena = await createArena(direct);
  const server = await serveLedger(direct.ledger);
  const deadline = performance.now() + left.ms;
  const executed: Case[] = [];
  let one: Case | null = null;
  try {
    const enough = (i: number): boolean => performance.now() >= deadline && (round > 0 || i >= CASES_MIN);
    for (let i = 0; i < CASES_PER_CHAIN && !enough(i) && hasFunds(arena); i += 1) {
      one = await nextCase(arena, dice);
      count('cases');
      if (dice.once(6)) simulate(direct, one, dice.once(2));
      if (dice.once(40)) {
        const through = await send(server.url, direct, one, dice);
        if (through !== null) executed.push(through);
      } else if ((await check(direct, one)) !== null) executed.push(one);
    }
    one = null;
    const last = await direct.run((tx) => {
      tx.transferObjects([tx.splitCoins(tx.gas, [1])], direct.stranger.address);
    }, arena.keeper);
    if (!last.effects.status.success) throw new Error('the ledger no longer works');
    executed.push({ bytes: last.transaction.bytes, signatures: last.signatures, tainted: false });
    await replay(genesis, executed, direct.ledger.checkpoints.latest.digest);
    count('chains replayed');
  } catch (error) {
    const what = one === null ? '' : ` (BCS ${toBase64(one.bytes)})`;
    throw new Error(`FUZZ_SEED=${SEED}, chain ${round}: ${String(error)}${what}`, { cause: error });
  } finally {
    left.ms = deadline - performance.now();
    await server.close();
  }
}

void t.test(`damaged transactions, signatures, frames and packages, FUZZ_SEED=${SEED}`, async (t) => {
  const stray: unknown[] = [];
  const note = (reason: unknown): void => void stray.push(reason);
  process.on('unhandledRejection', note);
  t.teardown(() => process.off('unhandledRejection', note));
  const left = { ms: DURATION_MS };
  for (let round = 0; left.ms > 0; round += 1) await runChain(round, left);
  t.strictSame(stray, [], 'no rejection was left unhandled');
  t.comment(
    Object.entries(counts)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, n]) => `${name}: ${n}`)
      .join('\n'),
  );
  for (const kind of [
    'succeeded',
    'failed COMMAND_ARGUMENT_ERROR',
    'refused SIGNATURE_INVALID',
    'refused TRANSACTION_MALFORMED',
    'chains replayed',
  ])
    t.ok((counts[kind] ?? 0) > 0, `some ${kind}`);
});
