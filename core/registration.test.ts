import { readFileSync } from 'node:fs';

import t from 'tap';

import {
  checkRegistration,
  enclaveUserData,
  fromHex,
  REGISTRATION_ABORTS,
  REGISTRATION_AHEAD_MS_MAX,
  RegistrationError,
  toHex,
  type RegisteredSession,
  type Registration,
} from './index.ts';
import {
  registrationMoveTests,
  registrationVectors,
  type RegistrationFields,
} from './vectors/registration-move.ts';

// Made by vectors/registration.py, which shares no code with the project; registration_vectors.move is the same cases.
const { cluster, honest, cases, slot } = registrationVectors;
const move = readFileSync(new URL('../sui/move/daas/sources/enclaves.move', import.meta.url), 'utf8');

const bytes = (hex: string | null): Uint8Array | null => (hex === null ? null : fromHex(hex));

function registration(fields: RegistrationFields): Registration {
  const { documentAgeMsMax, bondMin, anchorWindowMs } = cluster;
  const configs = fields.images.flatMap(({ pcr0, pcr1, pcr2, retired }, index) =>
    retired
      ? []
      : [
          {
            key: BigInt(index + 1),
            value: { pcr0: fromHex(pcr0), pcr1: fromHex(pcr1), pcr2: fromHex(pcr2) },
          },
        ],
  );
  return {
    cluster: {
      id: cluster.id,
      configDigest: fromHex(cluster.configDigest),
      configs,
      parameters: { enclaves: { documentAgeMsMax, bondMin, anchorWindowMs } },
    },
    slot: {
      id: slot,
      cluster: fields.slotCluster,
      configVersion: fields.configVersion,
      expiresMs: fields.expiresMs,
    },
    document: {
      timestampMs: fields.documentMs,
      pcrs: fields.pcrs.map(([index, value]) => [index, fromHex(value)] as const),
      publicKey: bytes(fields.publicKey),
      userData: bytes(fields.userData),
      nonce: bytes(fields.nonce),
    },
    logKey: fromHex(fields.logKey),
    tlsKeyHash: fromHex(fields.tlsKeyHash),
    bond: fields.bond,
    nowMs: fields.nowMs,
  };
}

function verdict(given: Registration): RegisteredSession | RegistrationError {
  try {
    return checkRegistration(given);
  } catch (error) {
    if (error instanceof RegistrationError) return error;
    throw error;
  }
}

void t.test('every case of the vectors ends as it says, in the names of both sides', (t) => {
  for (const [name, { changes, code, abort, expectedUserData }] of Object.entries(cases)) {
    const given = registration({ ...honest, ...changes } as RegistrationFields);
    const found = verdict(given);
    if (found instanceof RegistrationError) {
      t.equal(found.code, code, `${name}: ${found.message}`);
      t.equal(REGISTRATION_ABORTS[found.code], abort, `${name}: the abort`);
      t.notMatch(`${found.message} ${found.remedy}`, /undefined|NaN|\[object/, `${name}: for people`);
    } else {
      t.equal(code, null, name);
      t.strictSame(found, {
        cluster: cluster.id,
        configVersion: given.slot.configVersion,
        decisionKey: given.document.publicKey,
        logKey: given.logKey,
        tlsKeyHash: given.tlsKeyHash,
        documentMs: given.document.timestampMs,
        registeredMs: given.nowMs,
        bond: given.bond,
        bondHeldMs: cluster.anchorWindowMs,
      });
    }
    const { publicKey: decisionKey } = given.document;
    if (expectedUserData === null || decisionKey === null) continue;
    const { logKey, tlsKeyHash } = given;
    const { id, configDigest } = given.cluster;
    const userData = enclaveUserData({ cluster: id, configDigest, decisionKey, logKey, tlsKeyHash });
    t.equal(toHex(userData), expectedUserData, `${name}: user_data`);
  }
  t.ok(Object.keys(cases).length >= 60);
  t.end();
});

void t.test('codes and their order are those of register_inner', (t) => {
  const body = (name: string): string => {
    const found = new RegExp(`^(?:public\\(package\\) )?fun ${name}\\([\\s\\S]*?^\\}`, 'm').exec(move)?.[0];
    if (found === undefined) throw new Error(`enclaves.move has no ${name}`);
    return found.slice(found.indexOf('{'));
  };
  const helpers = ['assert_fresh', 'assert_pcrs', 'pcr'];
  const aborts = (name: string): string[] =>
    [...body(name).matchAll(/\bE[A-Z][a-z]\w*\b|\b(?:assert_fresh|assert_pcrs|pcr)(?=\()/g)].flatMap(
      ([word]) => (helpers.includes(word) ? aborts(word) : [word]),
    );
  t.strictSame([...new Set(aborts('register_inner'))], Object.values(REGISTRATION_ABORTS));
  const calls = body('register_inner').match(/\bassert_\w+\(/g);
  t.strictSame(calls, ['assert_version(', 'assert_fresh(', 'assert_pcrs('], 'no other helper refuses');
  const ahead = /^const FUTURE_TOLERANCE_MS: u64 = ([\d_]+);$/m.exec(move)?.[1]?.replaceAll('_', '');
  t.equal(ahead, String(REGISTRATION_AHEAD_MS_MAX));
  const seen = new Set(Object.values(cases).flatMap(({ code }) => (code === null ? [] : [code])));
  t.strictSame([...seen].sort(), Object.keys(REGISTRATION_ABORTS).sort(), 'the vectors have every code');
  t.end();
});

void t.test('the Move tests are those of the vectors', (t) => {
  // prettier lays the file out: white space, and the comma at the end of a list.
  const tokens = (text: string): string => text.replace(/\s+/g, '').replace(/,(?=[)\]}])/g, '');
  const file = new URL('../sui/move/daas/tests/registration_vectors.move', import.meta.url);
  t.ok(
    tokens(readFileSync(file, 'utf8')) === tokens(registrationMoveTests(registrationVectors)),
    'make registration_vectors.move anew: the commands are in core/vectors/registration.py',
  );
  t.end();
});
