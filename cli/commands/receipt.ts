import { readFile, writeFile } from 'node:fs/promises';

import { parseReceiptJws, verifyReceiptJws, type Decision } from '@k3s-daas/core';
import { readSession } from '@k3s-daas/sui-client';

import { CliError } from '../errors.ts';
import { userPath } from '../files.ts';
import { print, type Output } from '../output.ts';
import { openEnclave, openReader, readPod } from '../reader.ts';

const FILE_BYTES_MAX = 65_536;

/** Has the live enclave write the receipt of one of its placements as JWS; to standard output or a file. */
export async function exportReceipt(
  configFile: string | undefined,
  namespace: string,
  name: string,
  file: string | undefined,
): Promise<void> {
  const reader = await openReader(configFile);
  const { uid } = (await readPod(reader, namespace, name)).metadata;
  const enclave = await openEnclave(reader);
  const jws = await enclave.text('GET', `/api/v1/receipts/${uid}`);
  // What is handed on must be what it says, even if the reader of it never checks.
  parseReceiptJws(jws);
  if (file === undefined) process.stdout.write(`${jws}\n`);
  else await writeFile(userPath(file), `${jws}\n`);
}

/** Verifies an exported receipt with the key of its session as the chain holds it. */
export async function verifyReceiptFile(
  output: Output,
  configFile: string | undefined,
  file: string,
): Promise<void> {
  const text = await readJws(file);
  const { message } = parseReceiptJws(text);
  const reader = await openReader(configFile);
  const { id, package: packageId } = reader.configuration.cluster;
  const session = await readSession(reader.chain.client, packageId, message.payload.session);
  if (session.cluster !== id || message.payload.cluster !== id) {
    throw new CliError(
      'VERIFICATION_FAILED',
      `the receipt is of cluster ${message.payload.cluster}, its session of ${session.cluster}`,
      'give the daas.yaml of that cluster with --config',
    );
  }
  verifyReceiptJws(text, session.decisionKey);
  const { payload: decision, timestampMs } = message;
  print(output, { verified: true, revoked: session.revoked, timestampMs, decision }, () =>
    render(decision, timestampMs, session.revoked),
  );
}

function render(decision: Decision, timestampMs: bigint, revoked: boolean): string {
  const { namespace, pod, podUid, node, stake, sequence, session } = decision;
  return [
    'verified',
    `✓ pod ${namespace}/${pod} (${podUid}) on node ${node}, stake ${stake}`,
    `✓ decision ${sequence} at ${new Date(Number(timestampMs)).toISOString()}`,
    `✓ both signatures are by session ${session} of this cluster${revoked ? ', which has ended since' : ''}`,
  ].join('\n');
}

async function readJws(file: string): Promise<string> {
  let bytes: Buffer;
  try {
    bytes = await readFile(userPath(file));
  } catch (cause) {
    throw new CliError('FILE_UNREADABLE', `${file} cannot be read`, 'check the path and its permissions', {
      cause,
    });
  }
  if (bytes.length > FILE_BYTES_MAX) {
    throw new CliError('USAGE', `${file} is no exported receipt: it is too large`, 'see daas receipt export');
  }
  // The line feed that a text file ends with is not part of it.
  return bytes.toString('latin1').replace(/\r?\n$/, '');
}
