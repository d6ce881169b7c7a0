import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { createLedger, openLedger, type Ledger, type LedgerOptions } from '@k3s-daas/ledger';
import {
  addStake,
  checkOnly,
  createdOf,
  createReplayable,
  executeNow,
  inputOf,
  instructionsPerTurn,
  publishModules,
  publishWorkload,
  replayTransaction,
  signMany,
  viewOf,
  workloadAddress,
  type SignedTransaction,
} from '@k3s-daas/ledger/workload';
import { compileFramework, compilePackage } from '@k3s-daas/move';
import { calls, type Parameters } from '@k3s-daas/sui-client';

import { inParallel } from '../frame/rounds.ts';
import type { Subject } from './measure.ts';

const OWN_PACKAGE = fileURLToPath(new URL('../../sui/move/daas', import.meta.url));
const CLOCK = `0x${'6'.padStart(64, '0')}`;
const START_MS = 1_700_000_000_000;
/** Enough that group commit shares an fsync among them, and that threads have signatures to verify. */
const CROWD = 32;
const SPIN_TURNS = 1_000_000;
const NODE_ROLE = 1;

/** A ledger on which the same transactions are valid every time it is made. */
export async function ledgerOptions(): Promise<LedgerOptions> {
  return {
    framework: await compileFramework(),
    seed: new Uint8Array(32).fill(7),
    clock: { startMs: START_MS },
    verifyAttestation: () => {
      throw new Error('no attestation is trusted here');
    },
  };
}

/** What is on the ledger before transactions are measured, and transactions that fit to it. */
interface Scene {
  readonly name: string;
  readonly build: (ledger: Ledger, count: number) => Promise<SignedTransaction[]>;
}

const emptyScene: Scene = {
  name: 'empty transaction',
  build: (ledger, count) => signMany(ledger, count, () => undefined),
};

const stakeScene: Scene = {
  name: 'stake (table, event, transfer)',
  build: async (ledger, count) => {
    const workload = await publishWorkload(ledger);
    return await signMany(ledger, count, (tx) => {
      addStake(ledger, workload, tx);
    });
  },
};

const PARAMETERS: Parameters = {
  stakes: {
    userMin: 100n,
    nodeMin: 1_000n,
    adminMin: 10_000n,
    mistPerCpu: 1n,
    mistPerGib: 1n,
    userUnbondingMs: 60_000n,
    nodeUnbondingMs: 60_000n,
    adminUnbondingMs: 60_000n,
  },
  enclaves: { documentAgeMsMax: 60_000n, bondMin: 1n, anchorWindowMs: 10_000n },
  votes: {
    votingMs: 10_000n,
    timelockMs: 10_000n,
    executionMs: 10_000n,
    quorumBps: 5_000n,
    electorateMin: 1n,
    deposit: 1n,
  },
};

/** `staking::stake` and `share` of our own package: a shared position for each. */
const ownScene: Scene = {
  name: 'k3s_daas::staking::stake + share',
  build: async (ledger, count) => {
    const published = await publishModules(ledger, await compilePackage({ dir: OWN_PACKAGE }));
    const [packageId = ''] = createdOf(published, 'package');
    const pcr = new Uint8Array(48).fill(1);
    const created = await executeNow(ledger, (tx) => {
      const cap = calls.createCluster(tx, packageId, {
        configDigest: new Uint8Array(32).fill(1),
        policyDigest: new Uint8Array(32).fill(2),
        enclave: { pcr0: pcr, pcr1: pcr, pcr2: pcr },
        parameters: PARAMETERS,
      });
      tx.transferObjects([cap], workloadAddress);
    });
    const [cluster = ''] = createdOf(created, '::cluster::Cluster');
    return await signMany(ledger, count, (tx) => {
      const [coin] = tx.splitCoins(tx.gas, [5_000]);
      const input = inputOf(ledger, tx, cluster, true);
      // Named whole before the call names it by its id, which would have to be looked up.
      inputOf(ledger, tx, CLOCK, false);
      const position = calls.stake(tx, packageId, input, coin, NODE_ROLE);
      calls.sharePosition(tx, packageId, position);
    });
  },
};

/** Every subject that runs in this process. `only`: words of which a name must have one. */
export async function inProcessSubjects(count: number, only: readonly string[]): Promise<readonly Subject[]> {
  const options = await ledgerOptions();
  const subjects: Subject[] = [checksSubject(options, count)];
  for (const scene of [emptyScene, stakeScene, ownScene]) {
    subjects.push(signedSubject(options, scene, count), unsignedSubject(options, scene, count));
  }
  subjects.push(crowdSubject(options, stakeScene, count));
  subjects.push(journalSubject(options, stakeScene, count));
  subjects.push(viewSubject(options, count * 5), await loopSubject(options));
  return subjects.filter(({ name }) => only.some((word) => name.includes(word)));
}

/** Throws unless all transactions succeeded: a failed one is cheaper. */
function expectSuccess(ledger: Ledger, count: number): void {
  let succeeded = 0;
  for (const { effects } of ledger.history.transactions.between(null, null, true)) {
    if (!effects.status.success) throw new Error(effects.status.message);
    succeeded += 1;
  }
  if (succeeded < count) throw new Error(`only ${succeeded} of ${count} transactions are there`);
}

/** The floor of any signed transaction: what is done before the VM. */
function checksSubject(options: LedgerOptions, count: number): Subject {
  let known: SignedTransaction[] | undefined;
  return {
    name: 'parse, hash, verify signature; no VM',
    unit: 'tx/s',
    count,
    prepare: async () => {
      const transactions = (known ??= await stakeScene.build(createReplayable(options), count));
      return async () => {
        for (const transaction of transactions) await checkOnly(transaction);
      };
    },
  };
}

function signedSubject(options: LedgerOptions, scene: Scene, count: number): Subject {
  return {
    name: scene.name,
    unit: 'tx/s',
    count,
    prepare: async () => {
      const ledger = createLedger(options);
      const transactions = await scene.build(ledger, count);
      return async () => {
        for (const { bytes, signature } of transactions) await ledger.executeTransaction(bytes, [signature]);
        expectSuccess(ledger, count);
      };
    },
  };
}

function unsignedSubject(options: LedgerOptions, scene: Scene, count: number): Subject {
  return {
    name: `${scene.name}, signature not asked for`,
    unit: 'tx/s',
    count,
    prepare: async () => {
      const ledger = createReplayable(options);
      const transactions = await scene.build(ledger, count);
      return () => {
        for (const transaction of transactions) replayTransaction(ledger, transaction);
        expectSuccess(ledger, count);
        return Promise.resolve();
      };
    },
  };
}

function crowdSubject(options: LedgerOptions, scene: Scene, count: number): Subject {
  return {
    name: `${scene.name}, ${CROWD} in flight`,
    unit: 'tx/s',
    count,
    prepare: async () => {
      const ledger = createLedger(options);
      const transactions = await scene.build(ledger, count);
      return async () => {
        await inParallel(transactions, CROWD, ({ bytes, signature }) =>
          ledger.executeTransaction(bytes, [signature]),
        );
        expectSuccess(ledger, count);
      };
    },
  };
}

function journalSubject(options: LedgerOptions, scene: Scene, count: number): Subject {
  return {
    name: `${scene.name}, journal, ${CROWD} in flight`,
    unit: 'tx/s',
    count,
    prepare: async () => {
      const dir = await mkdtemp(join(tmpdir(), 'k3s-daas-bench-ledger-'));
      const { ledger, close } = await openLedger({ ...options, journal: join(dir, 'journal') });
      const transactions = await scene.build(ledger, count);
      await ledger.settled();
      return async () => {
        await inParallel(transactions, CROWD, ({ bytes, signature }) =>
          ledger.executeTransaction(bytes, [signature]),
        );
        expectSuccess(ledger, count);
        await close();
        await rm(dir, { recursive: true });
      };
    },
  };
}

function viewSubject(options: LedgerOptions, count: number): Subject {
  return {
    name: 'view call',
    unit: 'calls/s',
    count,
    prepare: async () => {
      const ledger = createLedger(options);
      const view = await viewOf(await publishWorkload(ledger), ledger, 'total');
      return () => {
        for (let i = 0; i < count; i += 1) {
          const { outcome } = ledger.simulate(view);
          if (!outcome.effects.status.success) throw new Error(outcome.effects.status.message);
        }
        return Promise.resolve();
      };
    },
  };
}

/** One call with a loop, in instructions. */
async function loopSubject(options: LedgerOptions): Promise<Subject> {
  const ledger = createLedger(options);
  const workload = await publishWorkload(ledger);
  const view = await viewOf(workload, ledger, 'spin', SPIN_TURNS);
  return {
    name: 'loop',
    unit: 'instructions/s',
    count: SPIN_TURNS * instructionsPerTurn(ledger, workload),
    prepare: () =>
      Promise.resolve(() => {
        const { outcome } = ledger.simulate(view);
        if (!outcome.effects.status.success) throw new Error(outcome.effects.status.message);
        return Promise.resolve();
      }),
  };
}
