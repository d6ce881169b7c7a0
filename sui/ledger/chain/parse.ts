import { digestText } from '../vm/base58.ts';
import type { Argument, CallArg, Command, ObjectRef, TransactionData } from './transaction-data.ts';

/** Thrown for whatever the quick reader leaves to the SDK: what is rare, and what is malformed. */
const NOT_HERE = new Error('left to the general parser');

/**
 * Reads a TransactionData of version 1 that holds a programmable transaction, in the shape of the SDK's schemas and
 * several times as fast. It takes canonical BCS only, so the bytes need not be made again to compare them.
 * @returns null where the SDK is to be asked: for anything else, right or wrong
 */
export function quickParse(bytes: Uint8Array): TransactionData | null {
  const reader = new TransactionReader(bytes);
  try {
    return reader.transactionData();
  } catch (error) {
    if (error === NOT_HERE) return null;
    throw error;
  }
}

const TYPE_NESTING_MAX = 16;
const PRIMITIVES = ['bool', 'u8', 'u64', 'u128', 'address', 'signer', null, null, 'u16', 'u32', 'u256'];
const VECTOR_TAG = 6;
const STRUCT_TAG = 7;

class TransactionReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  transactionData(): TransactionData {
    // TransactionData::V1, TransactionKind::ProgrammableTransaction
    if (this.#u8() !== 0 || this.#u8() !== 0) throw NOT_HERE;
    const inputs = this.#vector(() => this.#input());
    const commands = this.#vector(() => this.#command());
    const sender = this.#address();
    const payment = this.#vector(() => this.#objectRef());
    const owner = this.#address();
    const price = this.#u64();
    const budget = this.#u64();
    const expiration = this.#expiration();
    if (this.#at !== this.#bytes.length) throw NOT_HERE;
    const program = { inputs, commands };
    return {
      kind: { $kind: 'ProgrammableTransaction', ProgrammableTransaction: program },
      sender,
      gasData: { payment, owner, price, budget },
      expiration,
    };
  }

  #take(count: number): number {
    const at = this.#at;
    this.#at += count;
    if (this.#at > this.#bytes.length) throw NOT_HERE;
    return at;
  }

  #u8(): number {
    return this.#bytes[this.#take(1)] as number;
  }

  #bool(): boolean {
    const byte = this.#u8();
    if (byte > 1) throw NOT_HERE;
    return byte === 1;
  }

  #u16(): number {
    return this.#bytes.readUInt16LE(this.#take(2));
  }

  #u64(): string {
    return this.#bytes.readBigUInt64LE(this.#take(8)).toString();
  }

  /** Lengths up to what a transaction may hold, in their shortest form. */
  #length(): number {
    const first = this.#u8();
    if (first < 0x80) return first;
    const second = this.#u8();
    if (second === 0) throw NOT_HERE;
    if (second < 0x80) return (first & 0x7f) | (second << 7);
    const third = this.#u8();
    if (third === 0 || third >= 0x80) throw NOT_HERE;
    return (first & 0x7f) | ((second & 0x7f) << 7) | (third << 14);
  }

  #vector<T>(read: () => T): T[] {
    const length = this.#length();
    // Everything here takes a byte at least.
    if (length > this.#bytes.length - this.#at) throw NOT_HERE;
    const items: T[] = [];
    for (let i = 0; i < length; i += 1) items.push(read());
    return items;
  }

  #address(): string {
    const at = this.#take(32);
    return `0x${this.#bytes.toString('hex', at, at + 32)}`;
  }

  #digest(): string {
    if (this.#u8() !== 32) throw NOT_HERE;
    const at = this.#take(32);
    return digestText(this.#bytes.subarray(at, at + 32));
  }

  /** Text of ASCII characters; names in Move have no others. */
  #text(): string {
    const length = this.#length();
    const at = this.#take(length);
    for (let i = at; i < at + length; i += 1) if ((this.#bytes[i] as number) >= 0x80) throw NOT_HERE;
    return this.#bytes.toString('latin1', at, at + length);
  }

  #base64(): string {
    const length = this.#length();
    const at = this.#take(length);
    return this.#bytes.toString('base64', at, at + length);
  }

  #objectRef(): ObjectRef {
    return { objectId: this.#address(), version: this.#u64(), digest: this.#digest() };
  }

  #input(): CallArg {
    const tag = this.#u8();
    if (tag === 0) return { $kind: 'Pure', Pure: { bytes: this.#base64() } };
    if (tag !== 1) throw NOT_HERE;
    switch (this.#u8()) {
      case 0:
        return {
          $kind: 'Object',
          Object: { $kind: 'ImmOrOwnedObject', ImmOrOwnedObject: this.#objectRef() },
        };
      case 1: {
        const objectId = this.#address();
        const initialSharedVersion = this.#u64();
        const shared = { objectId, initialSharedVersion, mutable: this.#bool() };
        return { $kind: 'Object', Object: { $kind: 'SharedObject', SharedObject: shared } };
      }
      case 2:
        return { $kind: 'Object', Object: { $kind: 'Receiving', Receiving: this.#objectRef() } };
      default:
        throw NOT_HERE;
    }
  }

  #argument(): Argument {
    switch (this.#u8()) {
      case 0:
        return { $kind: 'GasCoin', GasCoin: true };
      case 1:
        return { $kind: 'Input', Input: this.#u16() };
      case 2:
        return { $kind: 'Result', Result: this.#u16() };
      case 3:
        return { $kind: 'NestedResult', NestedResult: [this.#u16(), this.#u16()] };
      default:
        throw NOT_HERE;
    }
  }

  #arguments(): Argument[] {
    return this.#vector(() => this.#argument());
  }

  /** Publish and Upgrade are rare. */
  #command(): Command {
    switch (this.#u8()) {
      case 0: {
        const call = {
          package: this.#address(),
          module: this.#text(),
          function: this.#text(),
          typeArguments: this.#vector(() => this.#type(0)),
          arguments: this.#arguments(),
        };
        return { $kind: 'MoveCall', MoveCall: call };
      }
      case 1:
        return {
          $kind: 'TransferObjects',
          TransferObjects: { objects: this.#arguments(), address: this.#argument() },
        };
      case 2:
        return { $kind: 'SplitCoins', SplitCoins: { coin: this.#argument(), amounts: this.#arguments() } };
      case 3:
        return {
          $kind: 'MergeCoins',
          MergeCoins: { destination: this.#argument(), sources: this.#arguments() },
        };
      case 5: {
        const type = this.#bool() ? this.#type(0) : null;
        return { $kind: 'MakeMoveVec', MakeMoveVec: { type, elements: this.#arguments() } };
      }
      default:
        throw NOT_HERE;
    }
  }

  /** A TypeTag as text. */
  #type(depth: number): string {
    if (depth > TYPE_NESTING_MAX) throw NOT_HERE;
    const tag = this.#u8();
    if (tag === VECTOR_TAG) return `vector<${this.#type(depth + 1)}>`;
    if (tag === STRUCT_TAG) {
      const name = `${this.#address()}::${this.#text()}::${this.#text()}`;
      const args = this.#vector(() => this.#type(depth + 1));
      return args.length === 0 ? name : `${name}<${args.join(', ')}>`;
    }
    const primitive = PRIMITIVES[tag];
    if (primitive === undefined || primitive === null) throw NOT_HERE;
    return primitive;
  }

  #expiration(): TransactionData['expiration'] {
    const tag = this.#u8();
    if (tag === 0) return { $kind: 'None', None: true };
    if (tag !== 2) throw NOT_HERE;
    const optional = (): string | null => (this.#bool() ? this.#u64() : null);
    const bounds = {
      minEpoch: optional(),
      maxEpoch: optional(),
      minTimestamp: optional(),
      maxTimestamp: optional(),
      chain: this.#digest(),
      nonce: this.#bytes.readUInt32LE(this.#take(4)),
    };
    return { $kind: 'ValidDuring', ValidDuring: bounds };
  }
}
