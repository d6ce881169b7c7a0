import { ChainError } from '@k3s-daas/sui-client';

/**
 * What a transaction counts as, MIST. A refund (storage that it frees) is not counted: a budget is a bound on what goes
 * out. Nor is what a node says beyond the gas budget: no transaction can cost that, and the lie would use up the day.
 */
export function countedMist(gasMist: bigint, mistMax: bigint): bigint {
  return gasMist < 0n ? 0n : gasMist > mistMax ? mistMax : gasMist;
}

/**
 * What a transaction that was sent and failed has cost, or null while nobody can say. One that was refused, as for an
 * object that changed meanwhile, did not run.
 */
export function mistOfFailure(error: unknown): bigint | null {
  if (!(error instanceof ChainError)) return null;
  return error.code === 'CHAIN_REFUSED' ? 0n : error.gasMist;
}
