import { bcs } from '@mysten/bcs';
import { suiId, u64, type Bytes, type SuiId } from '@k3s-daas/core';
import { normalizeStructTag, parseStructTag } from '@mysten/sui/utils';

import { parseEvent } from './events.ts';
import {
  capBcs,
  claimFieldBcs,
  clusterBcs,
  clusterFieldBcs,
  layout,
  parseObject,
  positionBcs,
  sessionBcs,
  slotBcs,
  type Layout,
} from './layouts.ts';
import { accessGrantBcs, passBcs, policyBcs, recoveryGrantBcs } from './seal-layouts.ts';

/** A Move value for a person: its fields where its layout is known, its bytes in any case. */
export interface Decoded {
  readonly fields: Readonly<Record<string, unknown>> | null;
  readonly bcs: Bytes;
}

const coinBcs = layout(bcs.struct('Coin', { id: suiId, balance: u64 }));
const upgradeCap = bcs.struct('UpgradeCap', { id: suiId, package: suiId, version: u64, policy: bcs.u8() });
const upgradeCapBcs = layout(upgradeCap);
const timelockBcs = layout(
  bcs.struct('Timelock', {
    id: suiId,
    cap: upgradeCap,
    delayMs: u64,
    announced: bcs.option(
      bcs.struct('Announcement', {
        digest: bcs.byteVector().transform({ name: 'digest', output: (bytes) => new Uint8Array(bytes) }),
        policy: bcs.u8(),
        earliestMs: u64,
        expiresMs: u64,
      }),
    ),
  }),
);
const clockBcs = layout(bcs.struct('Clock', { id: suiId, timestampMs: u64 }));

/** By `module::Name`, of whatever package: each network has its own publication of ours. */
const OURS: Readonly<Record<string, Layout<object>>> = {
  'cluster::Cluster': erased(clusterBcs),
  'cluster::ClusterCap': erased(capBcs),
  'staking::Position': erased(positionBcs),
  'enclaves::Session': erased(sessionBcs),
  'enclaves::EnclaveSlot': erased(slotBcs),
  'timelock::Timelock': erased(timelockBcs),
  'seal_policy::Policy': erased(policyBcs),
  'seal_policy::AccessGrant': erased(accessGrantBcs),
  'seal_policy::RecoveryGrant': erased(recoveryGrantBcs),
  'access_pass::Pass': erased(passBcs),
};
/** By the type of the value of a dynamic field. */
const FIELDS: Readonly<Record<string, Layout<object>>> = {
  'cluster::ClusterInner': erased(clusterFieldBcs),
  'cluster::NodeClaim': erased(claimFieldBcs),
};
const FRAMEWORK: Readonly<Record<string, Layout<object>>> = {
  'coin::Coin': erased(coinBcs),
  'package::UpgradeCap': erased(upgradeCapBcs),
  'clock::Clock': erased(clockBcs),
};
const FRAMEWORK_ID: SuiId = `0x${'2'.padStart(64, '0')}`;

/**
 * The contents of an object: those of our packages and some of Sui's framework as fields. A foreign type of the same
 * name is taken for ours only if its bytes are exactly of our layout; its full type is what identifies it.
 */
export function decodeObject(type: string, content: Bytes): Decoded {
  const found = layoutOf(type);
  return { fields: found === null ? null : parsed(() => parseObject(found, type, content)), bcs: content };
}

/** An event of our packages as fields, and any other as its bytes. */
export function decodeEvent(type: string, content: Bytes): Decoded {
  const fields = parsed(() => {
    const event = parseEvent(parseStructTag(type).address, type, content);
    if (event === null) return null;
    const fields = Object.entries(event).filter(([name]) => name !== 'kind');
    return Object.fromEntries(fields);
  });
  return { fields, bcs: content };
}

function layoutOf(type: string): Layout<object> | null {
  let tag: ReturnType<typeof parseStructTag>;
  try {
    tag = parseStructTag(normalizeStructTag(type));
  } catch {
    return null;
  }
  const { address, module, name, typeParams } = tag;
  if (address !== FRAMEWORK_ID) return OURS[`${module}::${name}`] ?? null;
  const [, value] = typeParams;
  if (`${module}::${name}` === 'dynamic_field::Field' && typeof value === 'object')
    return FIELDS[`${value.module}::${value.name}`] ?? null;
  return FRAMEWORK[`${module}::${name}`] ?? null;
}

/** One of many layouts, chosen at run time: what it parses is shown, field by field, and never typed again. */
function erased<T extends object>(type: Layout<T>): Layout<object> {
  return type as unknown as Layout<object>;
}

function parsed(parse: () => object | null): Readonly<Record<string, unknown>> | null {
  try {
    const value = parse();
    return value === null ? null : { ...value };
  } catch {
    return null;
  }
}
