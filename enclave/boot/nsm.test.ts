import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { systemClock, toHex, type EnclaveConfiguration } from '@k3s-daas/core';
import t from 'tap';

import { createDevelopmentAuthority } from '../nsm/index.ts';
import { encodeRequest, type NsmRequest, type NsmResponse } from '../nsm/protocol.ts';
import { encodeResponse } from '../nsm/test/server.ts';
import { openNsm } from './nsm.ts';

const repository = join(import.meta.dirname, '../..');
const dir = mkdtempSync(join(tmpdir(), 'daas-open-nsm-'));
t.teardown(() => {
  rmSync(dir, { recursive: true, force: true });
});

function open(nsm: EnclaveConfiguration['nsm']): ReturnType<typeof openNsm> {
  const enclave: EnclaveConfiguration = {
    listen: { host: '127.0.0.1', port: 0 },
    bootstrap: { host: '127.0.0.1', port: 0 },
    dataDir: 'data',
    clientCaFile: 'ca.crt',
    allowedClients: [],
    allowedReaders: [],
    nsm,
  };
  return openNsm({ enclave, path: (relative) => join(dir, relative), repository, clock: systemClock });
}

void t.test('the authority file makes a development NSM under its root', async (t) => {
  const authority = await createDevelopmentAuthority({ clock: systemClock });
  const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
  const file = {
    rootCertificateDer: base64(authority.rootCertificateDer),
    rootKeyPkcs8: base64(authority.rootKeyPkcs8),
  };
  const write = (name: string, text: string): EnclaveConfiguration['nsm'] => {
    writeFileSync(join(dir, name), text);
    return { kind: 'development', authorityFile: name };
  };
  const { nsm, trustAnchor } = await open(write('authority.json', JSON.stringify(file)));
  t.equal(nsm.kind, 'development');
  t.strictSame(trustAnchor, authority.rootCertificateDer);
  for (const text of [
    '',
    '{}',
    JSON.stringify({ ...file, more: 1 }),
    JSON.stringify({ ...file, rootKeyPkcs8: '!' }),
  ]) {
    await t.rejects(open(write('bad.json', text)), { code: 'NSM_AUTHORITY' });
  }
  await t.rejects(open({ kind: 'development', authorityFile: 'absent.json' }), { code: 'NSM_AUTHORITY' });
});

/** Stands for nsm-request: looks up the response to what it reads. */
function programOf(answers: readonly (readonly [NsmRequest, NsmResponse])[]): string {
  const hex = answers.map(([request, response]) => [
    toHex(encodeRequest(request)),
    toHex(encodeResponse(response)),
  ]);
  const file = join(dir, 'nsm-request.cjs');
  const lines = [
    `#!${process.execPath}`,
    "const { readFileSync, writeSync } = require('node:fs');",
    `const answers = new Map(${JSON.stringify(hex)});`,
    "writeSync(1, Buffer.from(answers.get(readFileSync(0, 'hex')), 'hex'));",
  ];
  writeFileSync(file, lines.join('\n'), { mode: 0o755 });
  return 'nsm-request.cjs';
}

void t.test('a device leads to AWS’s root, and is never replaced by anything else', async (t) => {
  const data = new Uint8Array(48).fill(7);
  const described = {
    versionMajor: 1,
    versionMinor: 0,
    versionPatch: 0,
    moduleId: 'i-1-enc1',
    maxPcrs: 32,
    lockedPcrs: [4],
    digest: 'SHA384',
  } as const;
  const program = programOf([
    [{ kind: 'DescribeNSM' }, { kind: 'DescribeNSM', ...described }],
    [
      { kind: 'DescribePCR', index: 4 },
      { kind: 'DescribePCR', lock: true, data },
    ],
  ]);
  const { nsm, trustAnchor } = await open({ kind: 'device', devicePath: 'nsm', program });
  t.equal(nsm.kind, 'device');
  t.strictSame(nsm.describe(), { moduleId: 'i-1-enc1', pcrs: new Map([[4, data]]) });
  t.equal(
    createHash('sha256').update(trustAnchor).digest('hex'),
    '641a0321a3e244efe456463195d606317ed7cdcc3c1756e09893f3c68f79bb5b',
    'the hash that AWS publishes',
  );
  await t.rejects(open({ kind: 'device', devicePath: 'nsm', program: 'absent' }), {
    code: 'NSM_PROGRAM_FAILED',
    message: `${join(dir, 'absent')} cannot be run`,
  });
});
