/**
 * Makes what the host hands to the enclave, from the operator's daas.yaml and the files named there:
 * `node enclave/image/installation.ts daas.yaml > installation.json`.
 */
import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

import { parse } from 'yaml';

import { describeError, parseConfiguration, type Configuration } from '@k3s-daas/core';

import { parseEgress, type Egress } from './bridge/plan.ts';
import { ImageError } from './errors.ts';

const EGRESS_FILE = fileURLToPath(new URL('guest/egress.json', import.meta.url));
/** The sections that the enclave reads; nothing else of the operator's file leaves it. */
const SECTIONS = ['apiVersion', 'kind', 'cluster', 'chain', 'kubernetes', 'policy', 'attestation', 'enclave'];

/**
 * The text of installation.json. Refuses a configuration that this image cannot run: one that names an address which
 * is not in egress.json, listeners other than the bridged ones, or a development NSM.
 */
export async function makeInstallation(configurationFile: string, egress: Egress): Promise<string> {
  const value: unknown = parse(await readFile(configurationFile, 'utf8'));
  const configuration = parseConfiguration(value);
  const files: Record<string, string> = {};
  const folder = dirname(resolve(configurationFile));
  const { caFile, clientCaFile } = checkFit(configuration, egress);
  files['api-server-ca.crt'] = await readFile(resolve(folder, caFile), 'utf8');
  files['client-ca.crt'] = await readFile(resolve(folder, clientCaFile), 'utf8');
  const sections = Object.entries(value as Record<string, unknown>).filter(([name]) =>
    SECTIONS.includes(name),
  );
  const own = Object.fromEntries(sections) as Record<string, Record<string, unknown>>;
  own['kubernetes'] = { ...own['kubernetes'], caFile: 'api-server-ca.crt' };
  own['enclave'] = { ...own['enclave'], clientCaFile: 'client-ca.crt', dataDir: '/var/lib/daas/data' };
  return `${JSON.stringify({ configuration: own, files })}\n`;
}

function checkFit(
  { enclave, kubernetes, chain }: Configuration,
  egress: Egress,
): { caFile: string; clientCaFile: string } {
  if (enclave === undefined) throw unfit('it has no section "enclave"', 'add one');
  if (enclave.nsm.kind !== 'device') {
    throw unfit('enclave.nsm.kind is development', 'an image has only the device; set kind: device');
  }
  for (const [field, url] of [
    ['kubernetes.server', kubernetes.server],
    ['chain.url', chain.url],
  ] as const) {
    const { hostname, port, protocol } = new URL(url);
    const wanted = port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port);
    if (!egress.outbound.some((entry) => entry.name === hostname && entry.port === wanted)) {
      throw unfit(
        `${field} leads to ${hostname}:${wanted}, which is not in egress.json`,
        'choose a destination of the image, or build another image: its PCRs will differ',
      );
    }
  }
  for (const [name, listen] of [
    ['extender', enclave.listen],
    ['bootstrap', enclave.bootstrap],
    ['broker', enclave.broker?.listen],
  ] as const) {
    if (listen === undefined) continue;
    const entry = egress.inbound.find((inbound) => inbound.name === name);
    if (entry?.port !== listen.port || listen.host !== '127.0.0.1') {
      throw unfit(
        `the ${name} listens at ${listen.host}:${listen.port}`,
        `let it listen at 127.0.0.1:${String(entry?.port)}, where the bridge leads`,
      );
    }
  }
  return { caFile: kubernetes.caFile, clientCaFile: enclave.clientCaFile };
}

function unfit(problem: string, remedy: string): ImageError {
  return new ImageError('INSTALLATION_UNFIT', `the image cannot run this configuration: ${problem}`, remedy);
}

if (process.argv[1] === import.meta.filename) {
  try {
    const [file] = process.argv.slice(2);
    if (file === undefined) throw new ImageError('USAGE', 'no configuration is named', 'name a daas.yaml');
    process.stdout.write(await makeInstallation(file, parseEgress(await readFile(EGRESS_FILE, 'utf8'))));
  } catch (error) {
    process.stderr.write(`${describeError(error)}\n`);
    process.exitCode = 1;
  }
}
