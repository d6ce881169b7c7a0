import { createHash } from 'node:crypto';

import { concatBytes, equalBytes, type Bytes } from '@k3s-daas/core';
import { bcs } from '@mysten/sui/bcs';

import type { AttestationResult, Change } from '../chain/change.ts';
import type { Limits } from '../vm/interpreter.ts';

// A record is the BCS of what follows. A change closes with the digest of the checkpoint it led to: replay that comes
// to another one has diverged, and a record cannot stand after any other than the one before it.

export interface GenesisRecord {
  readonly seed: Uint8Array;
  readonly timestampMs: bigint;
  readonly limits: Limits;
  readonly frameworkDigest: Uint8Array;
  readonly chainId: string;
}

/** A place in a chain: the state after a checkpoint. */
export interface Base {
  readonly chainId: string;
  readonly sequence: bigint;
  readonly digest: string;
}

export interface ChangeRecord {
  readonly change: Change;
  readonly checkpointDigest: string;
}

const U64 = bcs.u64();
const Blob = bcs.byteVector();
const OptionalBytes = bcs.option(Blob);
const REASONS = ['parse', 'verify', 'pcrs'] as const;

const Genesis = bcs.struct('Genesis', {
  seed: Blob,
  timestampMs: U64,
  stepsMax: U64,
  callDepthMax: U64,
  frameworkDigest: bcs.fixedArray(32, bcs.u8()),
  chainId: bcs.ObjectDigest,
});

const BaseRecord = bcs.struct('Base', {
  chainId: bcs.ObjectDigest,
  sequence: U64,
  digest: bcs.ObjectDigest,
});

const Attestation = bcs.struct('Attestation', {
  moduleId: bcs.string(),
  timestampMs: U64,
  digest: bcs.string(),
  pcrs: bcs.vector(bcs.struct('Pcr', { index: bcs.u32(), value: Blob })),
  publicKey: OptionalBytes,
  userData: OptionalBytes,
  nonce: OptionalBytes,
});

const Record = bcs.struct('Record', {
  timestampMs: U64,
  change: bcs.enum('Change', {
    empty: null,
    transaction: bcs.struct('Transaction', {
      bytes: Blob,
      signatures: bcs.vector(bcs.string()),
      attestations: bcs.vector(bcs.enum('AttestationResult', { verified: Attestation, refused: bcs.u8() })),
    }),
    grant: bcs.struct('Grant', { address: bcs.Address, mist: U64 }),
    epoch: null,
    // Ends a file: what comes after this checkpoint is in the segment with its number.
    continued: U64,
  }),
  checkpointDigest: bcs.ObjectDigest,
});

const SIZE = { initialSize: 1_024, maxSize: Number.MAX_SAFE_INTEGER };

/** SHA-256 over the modules in order, each as its own SHA-256. */
export function digestFramework(framework: readonly Uint8Array[]): Bytes {
  const hash = (bytes: Uint8Array): Bytes => new Uint8Array(createHash('sha256').update(bytes).digest());
  return hash(concatBytes(...framework.map(hash)));
}

export function encodeGenesis({ seed, timestampMs, limits, frameworkDigest, chainId }: GenesisRecord): Bytes {
  const digest = [...frameworkDigest];
  return exact(
    Genesis.serialize({ seed, timestampMs, ...limits, frameworkDigest: digest, chainId }, SIZE).toBytes(),
  );
}

/** Throws for bytes that are not a genesis record in its canonical form. */
export function decodeGenesis(bytes: Bytes): GenesisRecord {
  const { seed, timestampMs, stepsMax, callDepthMax, frameworkDigest, chainId } = Genesis.parse(bytes);
  const genesis = {
    seed,
    timestampMs: BigInt(timestampMs),
    limits: { stepsMax: Number(stepsMax), callDepthMax: Number(callDepthMax) },
    frameworkDigest: Uint8Array.from(frameworkDigest),
    chainId,
  };
  if (!equalBytes(encodeGenesis(genesis), bytes)) throw new RangeError('the record is not canonical');
  return genesis;
}

export function encodeBase(base: Base): Bytes {
  return exact(BaseRecord.serialize(base).toBytes());
}

/** Throws for bytes that are not the base of a segment in its canonical form. */
export function decodeBase(bytes: Bytes): Base {
  const { chainId, sequence, digest } = BaseRecord.parse(bytes);
  const base = { chainId, sequence: BigInt(sequence), digest };
  if (!equalBytes(encodeBase(base), bytes)) throw new RangeError('the record is not canonical');
  return base;
}

/** The record that ends a file which a segment with this base continues. */
export function encodeContinued({ sequence, digest }: Omit<Base, 'chainId'>): Bytes {
  const record = { timestampMs: 0, change: { continued: sequence }, checkpointDigest: digest };
  return exact(Record.serialize(record).toBytes());
}

export function encodeChange({ change, checkpointDigest }: ChangeRecord): Bytes {
  const { timestampMs } = change;
  return exact(
    Record.serialize({ timestampMs, change: changeBcs(change), checkpointDigest }, SIZE).toBytes(),
  );
}

/** Throws for bytes that are not a change record. A number is that of the checkpoint after which the file ends. */
export function decodeChange(bytes: Bytes): ChangeRecord | bigint {
  const { timestampMs: time, change: parsed, checkpointDigest } = Record.parse(bytes);
  const timestampMs = BigInt(time);
  switch (parsed.$kind) {
    case 'continued':
      return BigInt(parsed.continued);
    case 'transaction': {
      const { bytes: transaction, signatures, attestations } = parsed.transaction;
      const results = attestations.map(attestationResult);
      return {
        change: {
          kind: 'transaction',
          timestampMs,
          bytes: transaction,
          signatures,
          attestations: results,
        },
        checkpointDigest,
      };
    }
    case 'grant': {
      const { address, mist } = parsed.grant;
      return { change: { kind: 'grant', timestampMs, address, mist: BigInt(mist) }, checkpointDigest };
    }
    case 'epoch':
    case 'empty':
      return { change: { kind: parsed.$kind, timestampMs }, checkpointDigest };
  }
}

function changeBcs(change: Change): (typeof Record.$inferInput)['change'] {
  switch (change.kind) {
    case 'transaction': {
      const { bytes, signatures, attestations } = change;
      return {
        transaction: { bytes, signatures: [...signatures], attestations: attestations.map(resultBcs) },
      };
    }
    case 'grant':
      return { grant: { address: change.address, mist: change.mist } };
    case 'epoch':
      return { epoch: true };
    case 'empty':
      return { empty: true };
  }
}

type ResultBcs = { readonly verified: typeof Attestation.$inferInput } | { readonly refused: number };

function resultBcs(result: AttestationResult): ResultBcs {
  if (result.kind === 'refused') return { refused: REASONS.indexOf(result.reason) };
  const { moduleId, timestampMs, digest, pcrs, publicKey, userData, nonce } = result.document;
  return { verified: { moduleId, timestampMs, digest, pcrs, publicKey, userData, nonce } };
}

function attestationResult(
  parsed: { verified: typeof Attestation.$inferType } | { refused: number },
): AttestationResult {
  if ('refused' in parsed) {
    const reason = REASONS[parsed.refused];
    if (reason === undefined) throw new RangeError(`no attestation is refused for reason ${parsed.refused}`);
    return { kind: 'refused', reason };
  }
  const { timestampMs, publicKey, userData, nonce, ...rest } = parsed.verified;
  const document = {
    ...rest,
    timestampMs: BigInt(timestampMs),
    publicKey: publicKey ?? undefined,
    userData: userData ?? undefined,
    nonce: nonce ?? undefined,
  };
  return { kind: 'verified', document };
}

/** BCS gives views into a larger buffer. */
function exact(bytes: Uint8Array): Bytes {
  return new Uint8Array(bytes);
}
