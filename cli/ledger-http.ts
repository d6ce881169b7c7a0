import { z } from 'zod';

import type { Target } from './chain-target.ts';
import { CliError } from './errors.ts';

const TIMEOUT_MS = 30_000;
/** A snapshot of a long chain takes its time. */
const ADMIN_TIMEOUT_MS = 300_000;

const refusal = z.object({ code: z.string(), message: z.string(), remedy: z.string() });

/** Calls a route of the embedded ledger beside the gRPC API. */
async function post(url: string, path: string, body: object, timeoutMs: number): Promise<Response> {
  try {
    return await fetch(new URL(path, url), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(timeoutMs),
      redirect: 'error',
    });
  } catch (cause) {
    const remedy = 'start it with: daas chain up; or name its address with --url';
    throw new CliError('NETWORK_UNREACHABLE', `nothing answers at ${url}`, remedy, { cause });
  }
}

async function jsonOf(response: Response): Promise<unknown> {
  try {
    return await response.json();
  } catch {
    return null;
  }
}

/** Calls an admin route (sui/ledger/server/admin.ts) and validates its answer. */
export async function callAdmin<T>(
  { url }: Target,
  name: string,
  body: object,
  shape: z.ZodType<T>,
): Promise<T> {
  const response = await post(url, `/admin/${name}`, body, ADMIN_TIMEOUT_MS);
  const answer = await jsonOf(response);
  const good = shape.safeParse(answer);
  if (response.ok && good.success) return good.data;
  const refused = refusal.safeParse(answer);
  if (refused.success) {
    const { code, message, remedy } = refused.data;
    throw new CliError('ADMIN_REFUSED', `${code}: ${message}`, remedy);
  }
  throw new CliError(
    'ADMIN_UNAVAILABLE',
    `${url} cannot be steered: /admin/${name} answered ${response.status}`,
    'start the ledger with: daas chain up; that of daas up, and real networks, cannot be steered',
  );
}

const granted = z.object({ objectId: z.string(), version: z.string(), digest: z.string() });

/** Asks the embedded ledger's faucet for a coin of `mist` MIST. */
export async function askFaucet(
  { url, network }: Target,
  address: string,
  mist: bigint,
): Promise<z.infer<typeof granted>> {
  if (network === 'mainnet')
    throw new CliError('FAUCET_UNAVAILABLE', 'mainnet has no faucet', 'send SUI to the address');
  if (network === 'testnet' || network === 'devnet')
    throw new CliError(
      'FAUCET_UNAVAILABLE',
      `the faucet of ${network} wants to be asked by a person`,
      `open https://faucet.sui.io/?address=${address}`,
    );
  const response = await post(url, '/faucet', { address, mist: mist.toString() }, TIMEOUT_MS);
  const answer = await jsonOf(response);
  const good = granted.safeParse(answer);
  if (response.ok && good.success) return good.data;
  const refused = refusal.safeParse(answer);
  if (refused.success) {
    const { code, message, remedy } = refused.data;
    throw new CliError('FAUCET_UNAVAILABLE', `${code}: ${message}`, remedy);
  }
  throw new CliError(
    'FAUCET_UNAVAILABLE',
    `${url} has no faucet of the embedded ledger: it answered ${response.status}`,
    'start a ledger with: daas chain up; a localnet of sui start has its own faucet on port 9123',
  );
}
