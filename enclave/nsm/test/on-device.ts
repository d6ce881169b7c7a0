import { execFileSync } from 'node:child_process';
import { AttestationError, awsNitroRootG1, verifyAttestation } from '@k3s-daas/attestation';
import { describeError, fromHex, toHex, utf8, type Bytes } from '@k3s-daas/core';
import { checkEntropy } from '../../boot/entropy.ts';
import { deviceNsm } from '../index.ts';
import { decodeResponse, encodeRequest, type NsmRequest } from '../protocol.ts';

// What device/qemu.sh runs in a virtual machine: every request that we make, on a true /dev/nsm.

const DEVICE = '/dev/nsm';
const PROGRAM = '/usr/bin/nsm-request';
/** Generous: where the processor is emulated, everything takes long. */
const TIMEOUT_MS = 120_000;

/** Prints one line of the report. */
function say(what: string, found: unknown): void {
  process.stdout.write(`${what}: ${typeof found === 'string' ? found : JSON.stringify(found)}\n`);
}

function raw(request: Bytes): Bytes {
  return new Uint8Array(execFileSync(PROGRAM, [DEVICE], { input: request }));
}

function asked(request: NsmRequest): ReturnType<typeof decodeResponse> {
  return decodeResponse(raw(encodeRequest(request)));
}

async function code(work: Promise<unknown>): Promise<string> {
  return work.then(() => 'accepted', describeError);
}

function verdict(document: Bytes, expected: { 0: Bytes; 1: Bytes; 2: Bytes }): string {
  try {
    verifyAttestation(document, {
      trustAnchor: awsNitroRootG1,
      time: { mode: 'replay' },
      policy: { pcrs: expected },
    });
    return 'ACCEPTED';
  } catch (error) {
    if (error instanceof AttestationError) return `refused with ${error.code}: ${error.message}`;
    throw error;
  }
}

say('DescribeNSM', asked({ kind: 'DescribeNSM' }));
const nothingLocked = await deviceNsm({ devicePath: DEVICE, program: PROGRAM, timeoutMs: TIMEOUT_MS });
say('described before the lock', [...nothingLocked.describe().pcrs.keys()]);
// The hypervisor of a Nitro enclave extends PCR0 to PCR2 and locks PCR0 to PCR15. QEMU's device leaves it to the guest.
const hex = (text: string): string => (0x60 + text.length).toString(16) + toHex(utf8(text));
for (const index of ['00', '01', '02']) {
  const fields = `a2${hex('index')}${index}${hex('data')}43010203`;
  raw(fromHex(`a1${hex('ExtendPCR')}${fields}`));
}
raw(fromHex(`a1${hex('LockPCRs')}a1${hex('range')}10`));

const nsm = await deviceNsm({ devicePath: DEVICE, program: PROGRAM, timeoutMs: TIMEOUT_MS });
const { moduleId, pcrs } = nsm.describe();
say('module id', moduleId);
say('described after the lock', [...pcrs.keys()]);
const pcr = (index: number): Bytes => pcrs.get(index) ?? new Uint8Array();
for (const index of [0, 3]) say(`PCR${index}`, toHex(pcr(index)));
say(
  'DescribePCR 16',
  (({ kind, ...rest }) => [kind, 'lock' in rest && rest.lock])(asked({ kind: 'DescribePCR', index: 16 })),
);
say('DescribePCR 99', asked({ kind: 'DescribePCR', index: 99 }));

const [one, other] = [await nsm.random(), await nsm.random()];
say('GetRandom', [one.length, other.length, toHex(one) === toHex(other) ? 'the same' : 'different']);
say('entropy', await checkEntropy({ nsm }).then(({ source }) => source, describeError));

const document = await nsm.attest({
  userData: utf8('user data'),
  nonce: utf8('nonce'),
  publicKey: utf8('key'),
});
say('document', `${document.length} bytes, ${toHex(document.subarray(0, 24))}…`);
const has = (text: string): boolean => Buffer.from(document).includes(text);
say('with user_data, nonce and public_key', [has('user data'), has('nonce'), has('key')]);
say('our verifier under the root of AWS', verdict(document, { 0: pcr(0), 1: pcr(1), 2: pcr(2) }));

const largest = {
  userData: new Uint8Array(512),
  nonce: new Uint8Array(512),
  publicKey: new Uint8Array(1024),
};
say('largest request', `a document of ${(await nsm.attest(largest)).length} bytes`);
const began = performance.now();
const nonces = Array.from({ length: 50 }, (_, i) => new Uint8Array([i]));
const documents = await Promise.all(nonces.map((nonce) => nsm.attest({ nonce })));
say(
  '50 at once',
  `${new Set(documents.map(toHex)).size} documents, ${((performance.now() - began) / 50).toFixed(1)} ms each`,
);

say('nonsense', toHex(raw(utf8('nonsense'))));
say('absent device', await code(deviceNsm({ devicePath: '/dev/absent', program: PROGRAM })));
say('another device', await code(deviceNsm({ devicePath: '/dev/null', program: PROGRAM })));
say('too large', await code(nsm.attest({ nonce: new Uint8Array(513) })));
say('end', 'nothing threw');
