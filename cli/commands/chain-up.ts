import { createHash, X509Certificate } from 'node:crypto';

import { awsNitroRootG1 } from '@k3s-daas/attestation';
import { describeError, systemClock, type Bytes } from '@k3s-daas/core';
import { serveLedger, type LedgerServer } from '@k3s-daas/ledger';
import { compileFramework } from '@k3s-daas/move';

import { CliError } from '../errors.ts';
import { readText, userPath } from '../files.ts';
import { toJson, type Output } from '../output.ts';
import { consoleProgress } from '../progress.ts';
import { attestationVerifier, openChain, restoreChain } from '../roles/ledger.ts';
import { runRole, type RunningPart } from '../roles/role.ts';

export interface ChainUpOptions {
  readonly port: number;
  readonly dataDir?: string;
  /** Snapshot that a new data folder begins from. */
  readonly restore?: string;
  /** Milliseconds since 1970: time stands still there until it is moved. */
  readonly clockStartMs?: number;
  /** Any text; the same text at the same start of the clock makes the same chain. */
  readonly seed?: string;
  /** PEM; AWS's root unless given. */
  readonly trustAnchor?: string;
}

/** The embedded ledger alone, on loopback, until Ctrl-C. */
export async function chainUp(output: Output, options: ChainUpOptions): Promise<void> {
  const progress = consoleProgress(systemClock, (text) => process.stderr.write(text));
  const start = async (): Promise<RunningPart> => {
    const trustAnchor = await anchorOf(options.trustAnchor);
    const framework = await progress.step('Sui framework', (detail) =>
      compileFramework({ progress: detail }),
    );
    const { dataDir, restore, clockStartMs, seed } = options;
    const chain = {
      framework,
      clock: clockStartMs === undefined ? systemClock : { startMs: clockStartMs },
      verifyAttestation: attestationVerifier(trustAnchor),
      ...(seed !== undefined && { seed: new Uint8Array(createHash('sha256').update(seed).digest()) }),
    };
    const folder = dataDir === undefined ? undefined : userPath(dataDir);
    if (restore !== undefined) {
      if (folder === undefined)
        throw new CliError('USAGE', '--restore needs a folder to go on in', 'name a new one: --data-dir DIR');
      const snapshot = userPath(restore);
      const { sequence } = await progress.step(`restoring ${snapshot}`, () => restoreChain(snapshot, folder));
      progress.note(`restored at checkpoint ${sequence}; what came after the snapshot is not in it`);
    }
    const opened = await progress.step(folder === undefined ? 'new chain' : `chain of ${folder}`, () =>
      openChain(chain, folder),
    );
    const { ledger, replayed, tornBytes, restored, bypassed, snapshot, close } = opened;
    for (const error of bypassed) progress.note(`a snapshot was passed over: ${describeError(error)}`);
    const admin = snapshot === null ? {} : { snapshot: () => snapshot() };
    let server: LedgerServer;
    try {
      server = await listen(() => serveLedger(ledger, { port: options.port, admin }), options.port);
    } catch (error) {
      await close();
      throw error;
    }
    return {
      ready: {
        url: server.url,
        faucet: `${server.url}/faucet`,
        chainId: ledger.chainId,
        manualClock: ledger.clock.isManual,
        dataDir: folder ?? null,
        restored,
        replayed,
        tornBytes,
      },
      async close() {
        if (!output.json) progress.note('stopping');
        await server.close();
        await close();
      },
    };
  };
  await runRole(start, (ready) => {
    process.stdout.write(output.json ? `${toJson({ ready })}\n` : banner(ready));
  });
}

async function anchorOf(file: string | undefined): Promise<Bytes> {
  if (file === undefined) return awsNitroRootG1;
  try {
    return new Uint8Array(new X509Certificate(await readText(userPath(file))).raw);
  } catch (cause) {
    if (cause instanceof CliError) throw cause;
    throw new CliError('USAGE', `${file} is not a PEM certificate`, 'give the root certificate as PEM', {
      cause,
    });
  }
}

async function listen(serve: () => Promise<LedgerServer>, port: number): Promise<LedgerServer> {
  try {
    return await serve();
  } catch (cause) {
    if (!(cause instanceof Error) || !('code' in cause)) throw cause;
    if (cause.code === 'EADDRINUSE') {
      const remedy = 'end what listens there, choose another with --port N, or any free one with --port 0';
      throw new CliError('PORT_TAKEN', `port ${port} is in use`, remedy, { cause });
    }
    if (cause.code === 'EACCES')
      throw new CliError('PORT_TAKEN', `port ${port} is not for you`, 'choose one above 1023', { cause });
    throw cause;
  }
}

function banner(ready: RunningPart['ready']): string {
  const { url, faucet, chainId, manualClock } = ready;
  const kept = describeKept(ready);
  const time = manualClock === true ? 'stands still; daas chain clock moves it' : 'follows this machine';
  return `
An embedded Sui: no validators, no real coins, everything else as on Sui.

  url       ${String(url)}
  chain id  ${String(chainId)}
  faucet    ${String(faucet)}
  state     ${kept}
  time      ${time}

  curl -X POST ${String(faucet)} -H 'content-type: application/json' -d '{"address": "0x…"}'
  import { SuiGrpcClient } from '@mysten/sui/grpc';
  const client = new SuiGrpcClient({ network: 'localnet', baseUrl: '${String(url)}' });

It runs until Ctrl-C. In another terminal: daas chain publish DIR, daas chain inspect; docs/chain/embedded-ledger.md.
`;
}

function describeKept({ dataDir, restored, replayed, tornBytes }: RunningPart['ready']): string {
  if (typeof dataDir !== 'string') return 'in memory only; --data-dir DIR keeps it';
  const from = typeof restored === 'bigint' ? `snapshot of checkpoint ${restored} and ` : '';
  const torn = tornBytes === 0 ? '' : `, ${String(tornBytes)} torn bytes cut off`;
  return `kept in ${dataDir} (${from}${String(replayed)} changes found${torn})`;
}
