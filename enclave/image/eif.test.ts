import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

import t from 'tap';

import { fromBase64, toHex, utf8, type Bytes } from '@k3s-daas/core';

import { eifFile, eifMetadata } from './eif.ts';
import { imagePcrs, measuredPcr } from './pcr.ts';

interface Part {
  readonly seed: string;
  readonly length: number;
}
interface Vectors {
  readonly buildTime: string;
  readonly cases: readonly {
    readonly name: string;
    readonly architecture: 'x86_64' | 'arm64';
    readonly kernel: Part;
    readonly cmdline: string;
    readonly ramdisks: readonly Part[];
    readonly pcrs: Readonly<Record<'PCR0' | 'PCR1' | 'PCR2', string>> & { readonly PCR8?: string };
    readonly signingCertificateDer?: string;
    readonly eif?: { readonly length: number; readonly sha384: string };
  }[];
}

/** Made by AWS's EifBuilder: vectors/README.md. */
const vectors = JSON.parse(readFileSync(new URL('vectors/eif.json', import.meta.url), 'utf8')) as Vectors;

function part({ seed, length }: Part): Bytes {
  const blocks: Buffer[] = [];
  for (let index = 0; index * 32 < length; index++) {
    blocks.push(createHash('sha256').update(`${seed}:${index}`).digest());
  }
  return new Uint8Array(Buffer.concat(blocks).subarray(0, length));
}

void t.test("PCRs and bytes are those of AWS's EifBuilder", (t) => {
  for (const vector of vectors.cases) {
    const parts = {
      kernel: part(vector.kernel),
      cmdline: vector.cmdline,
      ramdisks: vector.ramdisks.map(part),
    };
    const certificate = vector.signingCertificateDer;
    const pcrs = imagePcrs({
      ...parts,
      ...(certificate === undefined ? {} : { signingCertificate: fromBase64(certificate) }),
    });
    t.strictSame(
      [pcrs.pcr0, pcrs.pcr1, pcrs.pcr2].map(toHex),
      [vector.pcrs.PCR0, vector.pcrs.PCR1, vector.pcrs.PCR2],
      vector.name,
    );
    t.equal(pcrs.pcr8 === null ? undefined : toHex(pcrs.pcr8), vector.pcrs.PCR8, `${vector.name}: PCR8`);
    if (vector.eif === undefined) continue;
    const eif = eifFile({
      ...parts,
      architecture: vector.architecture,
      metadata: eifMetadata({
        name: 'k3s-daas-enclave',
        version: '0.1.0',
        buildTime: vectors.buildTime,
      }),
    });
    const digest = createHash('sha384').update(eif).digest('hex');
    t.strictSame({ length: eif.length, sha384: digest }, vector.eif, `${vector.name}: the file`);
  }
  t.ok(vectors.cases.some(({ pcrs }) => pcrs.PCR8 !== undefined));
  t.end();
});

void t.test('what each PCR covers', (t) => {
  // A single ramdisk leaves PCR2 empty: the value that Nautilus and qos publish.
  const empty =
    '21b9efbc184807662e966d34f390821309eeac6802309798826296bf3e8bec7c10edb30948c90ba67310f7b964fc500a';
  const parts = { kernel: utf8('kernel'), cmdline: 'a', ramdisks: [utf8('boot')] };
  t.equal(toHex(imagePcrs(parts).pcr2), empty);
  const application = { ...parts, ramdisks: [utf8('boot'), utf8('application')] };
  const [one, two] = [imagePcrs(parts), imagePcrs(application)];
  t.notSame(one.pcr0, two.pcr0);
  t.strictSame(one.pcr1, two.pcr1, 'the application does not enter PCR1');
  const digest = createHash('sha384').update('application').digest();
  t.strictSame(
    two.pcr2,
    measuredPcr(new Uint8Array(digest)),
    'PCR2 comes from the digest of the archive alone',
  );
  t.throws(() => measuredPcr(new Uint8Array(32)), TypeError);
  t.throws(() => eifFile({ ...parts, ramdisks: [], architecture: 'x86_64', metadata: '' }), {
    code: 'EIF_LIMIT',
  });
  t.end();
});
