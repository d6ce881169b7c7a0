import { bcs } from '@mysten/sui/bcs';
import type { GrpcTypes } from '@mysten/sui/grpc';

import type { Ledger } from '../chain/ledger.ts';
import { SUI_COIN, SUI_ID, type MoveObjectRecord } from '../chain/objects.ts';
import { isDatatype, type Type } from '../vm/types.ts';
import { GrpcError, Status } from './method.ts';
import type { Partial } from './proto-objects.ts';

/** 0x2::coin::CoinMetadata and TreasuryCap. */
const CoinMetadata = bcs.struct('CoinMetadata', {
  id: bcs.Address,
  decimals: bcs.u8(),
  name: bcs.string(),
  symbol: bcs.string(),
  description: bcs.string(),
  iconUrl: bcs.option(bcs.string()),
});
const TreasuryCap = bcs.struct('TreasuryCap', { id: bcs.Address, totalSupply: bcs.u64() });

/** SUI as `sui::sui` creates it at genesis. This chain's SUI comes from its faucet and has no treasury. */
const SUI_INFO: Partial<typeof GrpcTypes.GetCoinInfoResponse> = {
  metadata: { decimals: 9, name: 'Sui', symbol: 'SUI', description: '' },
};

/** Metadata and treasury of a coin, where they are objects of their own. Throws GrpcError NOT_FOUND. */
export function coinInfo(ledger: Ledger, coin: Type): Partial<typeof GrpcTypes.GetCoinInfoResponse> {
  if (coin.key === SUI_COIN.args[0]?.key) return { coinType: coin.key, ...SUI_INFO };
  const found = (name: string): MoveObjectRecord | undefined =>
    ledger.objects
      .all()
      .filter((record) => record.kind === 'move')
      .find(({ type }) => isDatatype(type, SUI_ID, 'coin', name) && type.args[0]?.key === coin.key);
  const metadata = found('CoinMetadata');
  const treasury = found('TreasuryCap');
  if (metadata === undefined && treasury === undefined)
    throw new GrpcError(Status.notFound, `Coin type ${coin.key} not found`);
  const info: Partial<typeof GrpcTypes.GetCoinInfoResponse> = { coinType: coin.key };
  if (metadata !== undefined) {
    const { iconUrl, ...rest } = CoinMetadata.parse(metadata.contents);
    info.metadata = { ...rest, ...(iconUrl === null ? {} : { iconUrl }) };
  }
  if (treasury !== undefined) {
    const { id, totalSupply } = TreasuryCap.parse(treasury.contents);
    info.treasury = { id, totalSupply: BigInt(totalSupply) };
  }
  return info;
}
