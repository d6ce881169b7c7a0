/** A valid document by the test authority, and a way to state "this one change is refused with this code". */
import {
  AttestationError,
  attestationErrorCodes,
  verifyAttestation,
  verifyDocument,
  type AttestationErrorCode,
} from '../../index.ts';
import { makeChain, standardSpecs, T0, type CertificateSpec, type TestChain } from './authority.ts';
import {
  coseOf,
  fieldsOf,
  indefiniteMap,
  payloadOf,
  signedParts,
  type CoseParts,
  type Fields,
} from './encoder.ts';

type Equal = (found: unknown, wanted: unknown, message: string) => unknown;
export type Options = Parameters<typeof verifyAttestation>[1];

export const NOW = T0 + 1_000;
export const pcr = (fill: number): Uint8Array => new Uint8Array(48).fill(fill);
export const PUBLIC_KEY = new Uint8Array(32).fill(0xaa);
export const USER_DATA = new Uint8Array(32).fill(0xbb);
export const NONCE = new Uint8Array(16).fill(0xcc);

export class Fixture {
  readonly chain: TestChain;

  constructor(chain: TestChain) {
    this.chain = chain;
  }

  /** The certificates of `standardSpecs`, after `change`. */
  static async make(
    change: (specs: ReturnType<typeof standardSpecs>) => readonly CertificateSpec[] | undefined = () =>
      undefined,
  ): Promise<Fixture> {
    const specs = standardSpecs();
    return new Fixture(await makeChain(change(specs) ?? specs));
  }

  fields(): Fields {
    return fieldsOf({
      moduleId: 'i-0123456789abcdef0-enc0123456789abcde',
      timestampMs: T0,
      pcrs: [1, 2, 3, 0, 5].map((fill, index) => [index, pcr(fill)] as const),
      certificate: this.chain.leaf,
      cabundle: this.chain.cabundle,
      publicKey: PUBLIC_KEY,
      userData: USER_DATA,
      nonce: NONCE,
    });
  }

  /** A document with changed fields, signed as changed. */
  document(change: (fields: Fields) => unknown = () => undefined, container = indefiniteMap): Uint8Array {
    const fields = this.fields();
    change(fields);
    return this.signed(payloadOf(fields, container));
  }

  /** A document with one field replaced, signed as changed. */
  with(field: string, item: Uint8Array): Uint8Array {
    return this.document((fields) => fields.set(field, item));
  }

  signed(payload: Uint8Array): Uint8Array {
    return coseOf(signedParts(payload, this.chain.leafKey));
  }

  /** The valid document with parts replaced after signing. */
  parts(change: (parts: CoseParts) => Partial<CoseParts>): Uint8Array {
    const parts = signedParts(payloadOf(this.fields()), this.chain.leafKey);
    return coseOf({ ...parts, ...change(parts) });
  }

  options(change: Partial<Options> = {}): Options {
    return {
      trustAnchor: this.chain.root,
      time: { mode: 'live', nowMs: NOW, ageMsMax: 60_000 },
      policy: { pcrs: { 0: pcr(1), 1: pcr(2), 2: pcr(3) } },
      ...change,
    };
  }
}

/** One row: a document, and the code it is refused with, or `accepted`. */
export interface Case {
  readonly expect: AttestationErrorCode | 'accepted';
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly options: Options;
}

export const [ROOT, ZONE, INSTANCE, LEAF] = [0, 1, 2, 3] as const;
const LEVELS = ['root', 'zone', 'instance', 'leaf'];

/** A document under certificates with one of them changed, under its own root. */
export async function changed(
  expect: Case['expect'],
  name: string,
  level: 0 | 1 | 2 | 3,
  change: Partial<CertificateSpec>,
): Promise<Case> {
  const fixture = await Fixture.make((specs) => {
    Object.assign(specs[level], change);
    return undefined;
  });
  return {
    expect,
    name: `${LEVELS[level] ?? ''}: ${name}`,
    bytes: fixture.document(),
    options: fixture.options(),
  };
}

/** `accepted`, or the code; any other error is thrown on. */
export function outcome(verify: () => unknown): AttestationErrorCode | 'accepted' {
  try {
    verify();
    return 'accepted';
  } catch (error) {
    if (error instanceof AttestationError) return error.code;
    throw error;
  }
}

/**
 * Runs the rows, checks that the two entry points agree on the rules they share, and that every code that starts
 * with one of `groups` (`X_`), or is one of them, was seen: a new rule without a failing document fails here.
 */
export function checkCases(
  t: { equal: Equal; strictSame: Equal },
  cases: readonly Case[],
  groups: readonly string[],
): void {
  const inGroups = (code: string): boolean =>
    groups.some((group) => (group.endsWith('_') ? code.startsWith(group) : code === group));
  for (const { expect, name, bytes, options } of cases) {
    t.equal(
      outcome(() => verifyAttestation(bytes, options)),
      expect,
      `${expect}: ${name}`,
    );
    if (options.time.mode === 'live' && !/^(?:TIME|POLICY)_/.test(expect)) {
      const { trustAnchor, time } = options;
      const alone = outcome(() => verifyDocument(bytes, { trustAnchor, nowMs: time.nowMs }));
      t.equal(alone, expect, `verifyDocument agrees: ${name}`);
    }
  }
  const seen = new Set<string>(cases.map((row) => row.expect).filter(inGroups));
  t.strictSame([...seen].sort(), attestationErrorCodes.filter(inGroups).sort(), 'every code has a document');
}
