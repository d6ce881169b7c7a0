import type { Address } from '../vm/types.ts';
import { LedgerError } from './errors.ts';
import { coinBalance, SUI_COIN, type MoveObjectRecord, type ObjectReader } from './objects.ts';
import type { ObjectRef, TransactionData } from './transaction.ts';

/** Reference gas price in MIST per unit, as on Sui's public networks. */
export const REFERENCE_GAS_PRICE = 1_000n;
/** Every transaction, failed or not, costs this many units: a flat fee, no measure of work. */
export const GAS_UNITS = 1_000n;
/** As in Sui's protocol config (max_tx_gas, max_gas_payment_objects, max_gas_price). */
const BUDGET_MAX = 50_000_000_000n;
const PRICE_MAX = 50_000_000n;
export const PAYMENT_COINS_MAX = 256;

/** The fee of one transaction in MIST. */
export function feeAt(gasPrice: bigint): bigint {
  return GAS_UNITS * gasPrice;
}

export interface Payment {
  /** The coin that stays; the others are merged into it and deleted. Null in a simulation without coins. */
  readonly coins: readonly MoveObjectRecord[];
  readonly owner: Address;
  /** Balance of all coins in MIST. */
  readonly balance: bigint;
  readonly price: bigint;
  readonly budget: bigint;
  readonly fee: bigint;
}

/** Balance of the coin that stands in for a payment in simulations that name none. */
const SIMULATED_BALANCE = 1_000_000_000_000_000n;

/** Checks price, budget and coins of a transaction. Versions of the coins were checked before. */
export function checkPayment(data: TransactionData, store: ObjectReader, simulated: boolean): Payment {
  const { owner, payment } = data.gasData;
  const price = BigInt(data.gasData.price);
  const budget = BigInt(data.gasData.budget);
  const fee = feeAt(price);
  if (price < REFERENCE_GAS_PRICE) {
    throw new LedgerError(
      'GAS_INVALID',
      `Gas price ${price} under reference gas price (RGP) ${REFERENCE_GAS_PRICE}`,
    );
  }
  if (price > PRICE_MAX) throw new LedgerError('GAS_INVALID', `Gas price cannot exceed ${PRICE_MAX} mist`);
  if (budget < fee) throw new LedgerError('GAS_INVALID', `Gas budget: ${budget} is lower than min: ${fee}.`);
  if (budget > BUDGET_MAX)
    throw new LedgerError('GAS_INVALID', `Gas budget: ${budget} is higher than max: ${BUDGET_MAX}.`);
  if (payment.length === 0 && simulated)
    return { coins: [], owner, balance: SIMULATED_BALANCE, price, budget, fee };
  const coins = gasCoins(payment, store);
  const balance = coins.reduce((sum, coin) => sum + coinBalance(coin), 0n);
  if (balance < budget) {
    throw new LedgerError(
      'GAS_INSUFFICIENT',
      `Balance of gas object ${balance} is lower than the needed amount: ${budget}`,
    );
  }
  return { coins, owner, balance, price, budget, fee };
}

function gasCoins(payment: readonly ObjectRef[], store: ObjectReader): MoveObjectRecord[] {
  if (payment.length === 0)
    throw new LedgerError('GAS_INVALID', 'No gas payment (address balances are not supported)');
  if (payment.length > PAYMENT_COINS_MAX) {
    throw new LedgerError('GAS_INVALID', `More than ${PAYMENT_COINS_MAX} gas payment objects`);
  }
  return payment.map(({ objectId }) => {
    const coin = store.get(objectId);
    if (coin?.kind !== 'move' || coin.type.key !== SUI_COIN.key) {
      throw new LedgerError('GAS_INVALID', `Gas object ${objectId} is not a coin of SUI`);
    }
    return coin;
  });
}
