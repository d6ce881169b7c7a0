import type { ServerResponse } from 'node:http';

import { LedgerError } from '../chain/errors.ts';
import type { Ledger } from '../chain/ledger.ts';
import { fullAddress } from '../vm/types.ts';

/** `POST /faucet` with `{ "address": "0x…", "mist": "1000" }` (number or text) → `{ objectId, version, digest }`. */
export async function handleFaucet(ledger: Ledger, body: Buffer, response: ServerResponse): Promise<void> {
  try {
    const { address, mist } = parse(body);
    const { id, version, digest } = ledger.faucet(address, mist);
    await ledger.settled();
    send(response, 200, { objectId: id, version: version.toString(), digest });
  } catch (error) {
    if (!(error instanceof LedgerError)) throw error;
    send(response, error.code === 'JOURNAL_WRITE_FAILED' ? 503 : 400, error.toJSON());
  }
}

function parse(body: Buffer): { address: string; mist: bigint } {
  try {
    const { address, mist } = JSON.parse(body.toString('utf8')) as { address?: unknown; mist?: unknown };
    if (typeof address !== 'string') throw new TypeError('address is not text');
    if (
      typeof mist === 'number'
        ? !Number.isSafeInteger(mist)
        : typeof mist !== 'string' || !/^\d{1,20}$/.test(mist)
    ) {
      throw new TypeError('mist is not a whole number');
    }
    return { address: fullAddress(address), mist: BigInt(mist as string | number) };
  } catch (cause) {
    const message = 'The body is not {"address": "0x…", "mist": "<whole number>"}.';
    throw new LedgerError('INPUT_INVALID', message, { cause });
  }
}

function send(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}
