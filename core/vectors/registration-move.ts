import { z } from 'zod';

import json from './registration.json' with { type: 'json' };

/**
 * The cases of registration.json as Move tests over `enclaves::register_inner`:
 * `sui/move/daas/tests/registration_vectors.move` is what this file prints when it is run, laid out by prettier (the
 * commands are in registration.py), and `core/registration.test.ts` fails if it is not.
 */

const u64 = z
  .string()
  .regex(/^\d+$/)
  .transform((text) => BigInt(text));
const hex = z.string().regex(/^(?:[0-9a-f]{2})*$/);
const id = z.string().regex(/^0x[0-9a-f]{64}$/);

const fields = z.strictObject({
  nowMs: u64,
  documentMs: u64,
  slotCluster: id,
  configVersion: u64,
  expiresMs: u64,
  images: z.array(z.strictObject({ pcr0: hex, pcr1: hex, pcr2: hex, retired: z.boolean() })).min(1),
  pcrs: z.array(z.tuple([z.int(), hex])),
  publicKey: hex.nullable(),
  userData: hex.nullable(),
  nonce: hex.nullable(),
  logKey: hex,
  tlsKeyHash: hex,
  bond: u64,
});
export type RegistrationFields = z.infer<typeof fields>;
const changes = fields.partial();

const schema = z.strictObject({
  about: z.string(),
  cluster: z.strictObject({
    id,
    configDigest: hex,
    documentAgeMsMax: u64,
    bondMin: u64,
    anchorWindowMs: u64,
  }),
  slot: id,
  honest: fields,
  cases: z.record(
    z.string().regex(/^[a-z][a-z0-9_]*$/),
    z.strictObject({
      changes,
      expectedUserData: hex.nullable(),
      code: z.string().nullable(),
      abort: z
        .string()
        .regex(/^E[A-Za-z]+$/)
        .nullable(),
    }),
  ),
});
type RegistrationVectors = z.infer<typeof schema>;

export const registrationVectors: RegistrationVectors = schema.parse(json);

export function registrationMoveTests({ cluster, slot, honest, cases }: RegistrationVectors): string {
  const tests = Object.entries(cases).map(([name, { changes, expectedUserData, abort }]) => {
    const attribute =
      abort === null ? '#[test]' : `#[test, expected_failure(abort_code = enclaves::${abort})]`;
    const lines = [
      ...assignments(changes, cluster.id),
      ...(expectedUserData === honest.userData ? [] : [`expected_user_data = ${option(expectedUserData)}`]),
    ];
    const change = lines.map((line) => `case.${line};\n`).join('');
    const body = change === '' ? 'run(base());\n' : `let mut case = base();\n${change}run(case);\n`;
    return `${attribute}\nfun ${name}() {\n${body}}\n`;
  });
  const first = [...assignments(honest, cluster.id), `expected_user_data = ${option(honest.userData)}`].map(
    (line) => `${line.replace(' = ', ': ')},\n`,
  );
  return [
    HEADER,
    [
      `const SLOT: vector<u8> = x"${slot.slice(2)}";`,
      `const CLUSTER: vector<u8> = x"${cluster.id.slice(2)}";`,
      `const CONFIG_DIGEST: vector<u8> = x"${cluster.configDigest}";`,
      `const DOCUMENT_AGE_MS_MAX: u64 = ${cluster.documentAgeMsMax};`,
      `const BOND_MIN: u64 = ${cluster.bondMin};`,
      `const ANCHOR_WINDOW_MS: u64 = ${cluster.anchorWindowMs};\n`,
    ].join('\n'),
    RUN,
    `fun base(): Case {\nCase {\n${first.join('')}}\n}\n`,
    ...tests,
  ].join('\n');
}

/** `field = value` in Move for each field that is given. */
function assignments(given: z.infer<typeof changes>, cluster: string): string[] {
  const { images, pcrs } = given;
  const lines: (readonly [string, string | undefined])[] = [
    ['now_ms', given.nowMs?.toString()],
    ['document_ms', given.documentMs?.toString()],
    ['own_slot', given.slotCluster && String(given.slotCluster === cluster)],
    ['config_version', given.configVersion?.toString()],
    ['expires_ms', given.expiresMs?.toString()],
    [
      'images',
      images &&
        list(
          images.map(
            (image) =>
              `image(${bytes(image.pcr0)}, ${bytes(image.pcr1)}, ${bytes(image.pcr2)}, ${String(image.retired)})`,
          ),
        ),
    ],
    ['pcr_indices', pcrs && list(pcrs.map(([index]) => String(index)))],
    ['pcr_values', pcrs && list(pcrs.map(([, value]) => bytes(value)))],
    ['public_key', given.publicKey === undefined ? undefined : option(given.publicKey)],
    ['user_data', given.userData === undefined ? undefined : option(given.userData)],
    ['nonce', given.nonce === undefined ? undefined : option(given.nonce)],
    ['log_key', given.logKey === undefined ? undefined : bytes(given.logKey)],
    ['tls_key_hash', given.tlsKeyHash === undefined ? undefined : bytes(given.tlsKeyHash)],
    ['bond', given.bond?.toString()],
  ];
  return lines
    .filter(([, value]) => value !== undefined)
    .map(([field, value]) => `${field} = ${value ?? ''}`);
}

function list(values: readonly string[]): string {
  return `vector[${values.join(', ')}]`;
}

function option(value: string | null): string {
  return value === null ? 'option::none()' : `option::some(${bytes(value)})`;
}

/** Bytes that are all the same are written as such, since nobody can read 48 times 0a. */
function bytes(value: string): string {
  const first = value.slice(0, 2);
  const length = value.length / 2;
  return length > 1 && value === first.repeat(length)
    ? `world::bytes(${parseInt(first, 16)}, ${length})`
    : `x"${value}"`;
}

const HEADER = `/// The cases of core/vectors/registration.json, each as a test. Made by core/vectors/registration-move.ts (the commands
/// are in registration.py); core/registration.test.ts compares, so that the two files cannot drift apart.
#[test_only]
module k3s_daas::registration_vectors;

use k3s_daas::cluster::{Cluster, ClusterCap};
use k3s_daas::enclaves;
use k3s_daas::world;
use std::unit_test::{assert_eq, destroy};
use sui::bcs;
`;

const RUN = `/// A registration in the cluster of \`world\`, whose first image has config version 1.
public struct Case has drop {
now_ms: u64,
document_ms: u64,
own_slot: bool,
config_version: u64,
expires_ms: u64,
images: vector<Image>,
pcr_indices: vector<u8>,
pcr_values: vector<vector<u8>>,
public_key: Option<vector<u8>>,
user_data: Option<vector<u8>>,
nonce: Option<vector<u8>>,
log_key: vector<u8>,
tls_key_hash: vector<u8>,
bond: u64,
expected_user_data: Option<vector<u8>>,
}

public struct Image has copy, drop {
pcr0: vector<u8>,
pcr1: vector<u8>,
pcr2: vector<u8>,
retired: bool,
}

fun image(pcr0: vector<u8>, pcr1: vector<u8>, pcr2: vector<u8>, retired: bool): Image {
Image { pcr0, pcr1, pcr2, retired }
}

/// Accepts the images beside the first, which \`world\` accepted.
fun accept(cluster: &mut Cluster, cap: &ClusterCap, images: &vector<Image>) {
let config = cluster.config(1);
assert_eq!(config.pcr0(), images[0].pcr0);
assert_eq!(config.pcr1(), images[0].pcr1);
assert_eq!(config.pcr2(), images[0].pcr2);
images.length().do!(|i| {
let image = images[i];
if (i > 0) cluster.accept_config(cap, image.pcr0, image.pcr1, image.pcr2);
});
}

fun run(case: Case) {
let (mut cluster, cap) = world::cluster();
let (mut other, other_cap) = world::other_cluster();
assert_eq!(object::id(&cluster).to_bytes(), CLUSTER);
assert_eq!(cluster.config_digest(), CONFIG_DIGEST);
assert_eq!(cluster.parameters().enclaves().document_age_ms_max(), DOCUMENT_AGE_MS_MAX);
assert_eq!(cluster.parameters().enclaves().bond_min(), BOND_MIN);
accept(&mut cluster, &cap, &case.images);
accept(&mut other, &other_cap, &case.images);
let ctx = &mut world::tx(world::operator(), 3);
let slot = if (case.own_slot) {
enclaves::new_slot(&cluster, &cap, world::operator(), case.config_version, case.expires_ms, ctx)
} else {
enclaves::new_slot(&other, &other_cap, world::operator(), case.config_version, case.expires_ms, ctx)
};
assert_eq!(bcs::to_bytes(&object::id(&slot)), SLOT);
case.images.length().do!(|i| {
if (case.images[i].retired) cluster.retire_config(&cap, i + 1);
});
case.expected_user_data.do_ref!(|expected| {
let found = enclaves::enclave_user_data(
&cluster,
case.public_key.borrow(),
&case.log_key,
&case.tls_key_hash,
);
assert_eq!(found, *expected);
});
let bond = world::coin(case.bond);
let clock = world::clock(case.now_ms);
let session = enclaves::register_inner(
&cluster,
slot,
case.document_ms,
case.pcr_indices,
case.pcr_values,
case.public_key,
case.user_data,
case.nonce,
case.log_key,
case.tls_key_hash,
bond,
&clock,
&mut world::tx(world::operator(), 4),
);
assert_eq!(session.cluster(), object::id(&cluster));
assert_eq!(session.config_version(), case.config_version);
assert_eq!(option::some(session.decision_key()), case.public_key);
assert_eq!(session.log_key(), case.log_key);
assert_eq!(session.tls_key_hash(), case.tls_key_hash);
assert_eq!(session.document_ms(), case.document_ms);
assert_eq!(session.registered_ms(), case.now_ms);
assert_eq!(session.bond_value(), case.bond);
assert_eq!(session.bond_held_ms(), ANCHOR_WINDOW_MS);
clock.destroy_for_testing();
destroy(session);
destroy(cluster);
destroy(cap);
destroy(other);
destroy(other_cap);
}
`;

if (import.meta.main) process.stdout.write(registrationMoveTests(registrationVectors));
