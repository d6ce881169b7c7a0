import { Transaction } from '@mysten/sui/transactions';
import t from 'tap';

import { AttestationFault, type AttestationVerifier } from './index.ts';
import { CHAIN_START_MS, createWorld, type World } from './testdata/world.ts';

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'hex'));

function load(tx: Transaction, world: World, document: Uint8Array): void {
  const loaded = tx.moveCall({
    target: '0x2::nitro_attestation::load_nitro_attestation',
    arguments: [tx.pure.vector('u8', document), tx.object.clock()],
  });
  tx.moveCall({ target: `${world.packageId}::counter::attested`, arguments: [loaded] });
}

/** Stands in for the real verifier: what it answers is fixed here, what Move makes of it is under test. */
const verifyAttestation: AttestationVerifier = (document, clockMs) => {
  if (document.length === 0) throw new AttestationFault('parse', 'empty');
  if (document[0] === 0xee) throw new AttestationFault('pcrs', 'wrong PCRs');
  if (clockMs !== BigInt(CHAIN_START_MS)) throw new Error('not the time of the Clock object');
  if (document[0] !== 0x84) throw new Error('unsigned');
  return {
    moduleId: 'i-0',
    timestampMs: 0x0102030405060708n,
    digest: 'SHA384',
    pcrs: [
      { index: 16, value: hex('1616') },
      { index: 8, value: hex('0000') },
      { index: 5, value: hex('0000') },
      { index: 0, value: hex('00aa') },
      { index: 3, value: hex('0000') },
    ],
    publicKey: hex('c0ffee'),
    nonce: hex(''),
  };
};

void t.test('load_nitro_attestation forms the framework’s struct and aborts with its codes', async (t) => {
  await using world = await createWorld({ verifyAttestation });
  const tx = new Transaction();
  tx.setSender(world.address);
  load(tx, world, hex('84'));
  const result = await world.client.simulateTransaction({
    transaction: tx,
    include: { commandResults: true },
  });
  t.ok(result.Transaction?.status.success);
  const [returned] = result.commandResults.at(-1)?.returnValues ?? [];
  const expected = [
    Buffer.from('i-0').toString('hex'),
    '0807060504030201',
    Buffer.from('SHA384').toString('hex'),
    // In order of index; 5 is zero and custom, so it is left out; 3 and 8 are zero but required, so they stay.
    '0000aa',
    '030000',
    '080000',
    '101616',
    '0103c0ffee',
    '00',
    '0100',
  ].join('');
  t.equal(
    Buffer.from(returned?.bcs ?? [])
      .toString('hex')
      .slice(2),
    expected,
    'after one length byte',
  );
  const codes: [string, RegExp][] = [
    ['', /abort code: 1, in '0x0+2::nitro_attestation/],
    ['00', /abort code: 2, in/],
    ['ee', /abort code: 3, in/],
  ];
  for (const [document, message] of codes) {
    await t.rejects(
      world.run((tx) => {
        load(tx, world, hex(document));
      }),
      message,
    );
  }
});

void t.test('ed25519_verify: RFC 8032 section 7.1, test 2', async (t) => {
  await using world = await createWorld();
  const key = hex('3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c');
  const signature = hex(
    '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
  );
  const verdict = async (...args: Uint8Array[]): Promise<number | undefined> => {
    const tx = new Transaction();
    tx.setSender(world.address);
    const bytes = args.map((arg) => tx.pure.vector('u8', arg));
    tx.moveCall({ target: `${world.packageId}::counter::check_signature`, arguments: bytes });
    const result = await world.client.simulateTransaction({
      transaction: tx,
      include: { commandResults: true },
    });
    return result.commandResults[0]?.returnValues[0]?.bcs[0];
  };
  t.equal(await verdict(signature, key, hex('72')), 1);
  t.equal(await verdict(signature, key, hex('73')), 0);
  t.equal(
    await verdict(signature.slice(1), key, hex('72')),
    0,
    'a malformed signature is false, not an error',
  );
});
