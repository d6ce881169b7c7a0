import { Loader, moduleAddress } from '../vm/loader.ts';
import { natives } from '../natives/index.ts';
import { encodeValue } from '../vm/bcs.ts';
import { parseType, type DatatypeType } from '../vm/types.ts';
import { LedgerError } from './errors.ts';
import {
  CLOCK_ID,
  sealObject,
  STD_ID,
  SUI_ID,
  type MoveObjectRecord,
  type PackageRecord,
} from './objects.ts';
import { deserializeModule, frameworkRecord, packageCode } from './publish.ts';

const CLOCK = parseType('0x2::clock::Clock') as DatatypeType;

/** Loads the modules of 0x1 and 0x2 and makes their package objects. */
export function loadFramework(
  bytecode: readonly Uint8Array[],
  previousTransaction: string,
): { readonly loader: Loader; readonly packages: readonly PackageRecord[] } {
  const loader = new Loader(natives);
  try {
    const modules = bytecode.map((bytes) => ({ bytes, json: deserializeModule(bytes) }));
    const packages = [STD_ID, SUI_ID].map((id) => {
      const own = modules.filter(({ json }) => moduleAddress(json) === id);
      if (own.length === 0)
        throw new LedgerError('GENESIS_INVALID', `The framework has no modules of ${id}.`);
      const record = frameworkRecord(id, own, id === STD_ID ? [] : [STD_ID]);
      const code = packageCode(
        record,
        own.map(({ json }) => json),
      );
      loader.add(code);
      return sealedWhenAsked({ ...record, previousTransaction }, (unsealed) => sealObject(unsealed));
    });
    return { loader, packages };
  } catch (cause) {
    if (cause instanceof LedgerError) throw cause;
    throw new LedgerError('GENESIS_INVALID', 'The framework modules do not load.', { cause });
  }
}

/**
 * The shared object 0x6: `Clock { id: UID, timestamp_ms }`. Its digest is made when somebody asks: most versions are
 * replaced before.
 */
export function clockObject(
  loader: Loader,
  version: bigint,
  timestampMs: bigint,
  previousTransaction: string,
): MoveObjectRecord {
  const record = {
    kind: 'move',
    id: CLOCK_ID,
    version,
    owner: { kind: 'shared', initialVersion: 1n },
    type: CLOCK,
    contents: encodeValue(loader, CLOCK, [[[CLOCK_ID]], timestampMs]),
    hasPublicTransfer: false,
    previousTransaction,
  } as const;
  return sealedWhenAsked(record, (unsealed) => sealObject(unsealed));
}

/** A record that is sealed when its digest is read for the first time. */
function sealedWhenAsked<T extends object>(
  record: T,
  seal: (record: T) => { readonly digest: string },
): T & { readonly digest: string } {
  let digest: string | null = null;
  return {
    ...record,
    get digest() {
      return (digest ??= seal(record).digest);
    },
  };
}
