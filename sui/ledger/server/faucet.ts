import { LedgerError } from '../chain/errors.ts';
import type { Ledger } from '../chain/ledger.ts';
import { fullAddress, type Address } from '../vm/types.ts';
import { wholeNumber, type JsonRoute } from './json-route.ts';

/** What Sui's own faucets give at a time on a local network: 10 SUI. */
const FIXED_MIST = 10_000_000_000n;

/**
 * `POST /faucet` with `{ "address": "0x…", "mist": "1000" }` (number or text; 10 SUI if left out) →
 * `{ objectId, version, digest }`; and `POST /v2/gas`, which `requestSuiFromFaucetV2` of @mysten/sui calls.
 */
export function faucetRoutes(ledger: Ledger): ReadonlyMap<string, JsonRoute> {
  const grant = async (address: Address, mist: bigint) => {
    const coin = ledger.faucet(address, mist);
    await ledger.settled();
    return coin;
  };
  const own: JsonRoute = {
    pages: 'local',
    async handle(body) {
      const { id, version, digest } = await grant(addressIn(body, 'address'), mistIn(body));
      return { objectId: id, version, digest };
    },
  };
  const official: JsonRoute = {
    pages: 'local',
    async handle(body) {
      const { FixedAmountRequest: request } = (body ?? {}) as { FixedAmountRequest?: unknown };
      const coin = await grant(addressIn(request, 'recipient'), FIXED_MIST);
      const sent = { amount: Number(FIXED_MIST), id: coin.id, transferTxDigest: coin.previousTransaction };
      return { status: 'Success', coins_sent: [sent] };
    },
  };
  return new Map([
    ['/faucet', own],
    ['/v2/gas', official],
  ]);
}

function addressIn(body: unknown, field: string): Address {
  const value = ((body ?? {}) as Record<string, unknown>)[field];
  try {
    if (typeof value === 'string') return fullAddress(value);
  } catch {
    // Refused below.
  }
  throw new LedgerError('REQUEST_MALFORMED', `The body has no field "${field}" with an address, 0x….`);
}

function mistIn(body: unknown): bigint {
  const { mist } = body as { readonly mist?: unknown };
  const amount = mist === undefined ? FIXED_MIST : wholeNumber(mist);
  if (amount !== null) return amount;
  throw new LedgerError('REQUEST_MALFORMED', 'The field "mist" is not a whole number, or text of one.');
}
