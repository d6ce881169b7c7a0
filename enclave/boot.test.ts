/** The boot over real HTTP: its order, and what /readyz, /livez and the log say of each step that fails. */
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';

import t, { type Test } from 'tap';

import { awsNitroRootG1 } from '@k3s-daas/attestation';
import { clientCertificateFromCsr } from '@k3s-daas/control-plane';
import { ENCLAVE_USER, type Bytes } from '@k3s-daas/core';

import { checkEntropy } from './boot/entropy.ts';
import { BOOT_STEPS, type BootStep } from './boot/steps.ts';
import { createDevelopmentAuthority, developmentNsm, NsmError, type Nsm } from './nsm/index.ts';
import { ca, CHAIN, eventually, FaultyNsm, PCRS, ROOT, TestEnclave, testNsm } from './test/world.ts';

t.setTimeout(600_000);

const SLOT = `0x${'33'.repeat(32)}`;
const ATTESTATION = '/api/v1/tee/attestation';

async function prepare(t: Test, ...change: Parameters<typeof TestEnclave.prepare>): Promise<TestEnclave> {
  const enclave = await TestEnclave.prepare(...change);
  t.teardown(() => enclave.close());
  return enclave;
}

/** What a boot that failed at `step` shows, everywhere. */
async function assertFailed(t: Test, enclave: TestEnclave, step: BootStep, code: string): Promise<string> {
  await eventually('the boot fails', async () => (await enclave.get('/livez')).status === 503);
  await t.rejects(enclave.running.ready);
  const { status, json } = await enclave.get('/readyz');
  t.equal(status, 503);
  const [reason, ...more] = json['reasons'] as Record<string, string>[];
  t.match(reason, { step, code, message: /./, remedy: /./ });
  t.same(more, []);
  const boot = json['boot'] as { done: { step: string }[]; waitingFor: string };
  t.same(
    boot.done.map((each) => each.step),
    BOOT_STEPS.slice(0, BOOT_STEPS.indexOf(step)),
    'all before it, none after it',
  );
  t.equal(boot.waitingFor, step);
  const live = await enclave.get('/livez');
  t.equal(live.status, 503, 'a supervisor shall start anew');
  t.match(live.json, { code, message: /./, remedy: /./ });
  const lines = enclave.logged.split('\n').filter((line) => line.includes('boot failed'));
  t.match(lines.length, 1);
  t.match(JSON.parse(lines[0] ?? '{}'), { step, code, level: 50 });
  const slot = await enclave.get(`${ATTESTATION}?slot=${SLOT}`);
  t.equal(slot.status, 503, 'nobody pays for the registration of a boot that failed');
  t.match(slot.json['code'], /^(BOOT_FAILED|NOT_ATTESTED)$/);
  return reason?.['message'] ?? '';
}

void t.test(
  'the listener is up before the first step, and each step waits for the one before it',
  async (t) => {
    const enclave = await prepare(t);
    // An NSM that is held for five seconds is one that fails, and all of this may take a busy machine longer.
    enclave.time.hold();
    const gate = Promise.withResolvers<undefined>();
    enclave.nsm.before = () => gate.promise;
    await enclave.run();
    const ready = await enclave.get('/readyz');
    t.equal(ready.status, 503);
    t.match(ready.json, {
      ready: false,
      reasons: [{ code: 'BOOT_WAITING', message: 'waiting for clock' }],
      boot: { done: [{ step: 'entropy', detail: 'a test' }], waitingFor: 'clock' },
    });
    t.equal((await enclave.get('/livez')).text, 'ok');
    for (const query of ['', `?nonce=${'ab'.repeat(16)}`, `?slot=${SLOT}`]) {
      const reply = await enclave.get(`${ATTESTATION}${query}`);
      t.equal(reply.status, 503);
      t.match(reply.json, { code: 'NOT_ATTESTED', message: /./, remedy: /./ });
    }
    t.equal((await enclave.put('early')).status, 503);
    gate.resolve(undefined);
    enclave.time.release();

    const reply = await enclave.attested();
    t.match((await enclave.get('/readyz')).json, {
      reasons: [{ code: 'BOOT_WAITING', message: /^waiting for registration/ }],
    });
    // Registered, but the chain's state is old, then from the future, then fresh.
    for (const ageMs of [60_000, -60_000]) {
      enclave.register(reply, { ageMs });
      await eventually('registration', async () => waitingFor(enclave, 'snapshot'));
      await new Promise((resolve) => setTimeout(resolve, 50));
      t.ok(await waitingFor(enclave, 'snapshot'), `a snapshot of age ${ageMs}`);
    }
    t.match((await enclave.get('/readyz')).text, /waiting for snapshot: the chain's state is -\d+ ms old/);
    enclave.register(reply);
    await eventually('a fresh snapshot', async () => waitingFor(enclave, 'kubernetes-identity'));
    t.equal((await enclave.certify(reply)).status, 204);
    await enclave.running.ready;
    const done = await enclave.get('/readyz');
    t.equal(done.status, 200);
    t.match(done.json, { ready: true, reasons: [], boot: { waitingFor: null } });
    const steps = (done.json['boot'] as { done: { step: string; atMs: number }[] }).done;
    t.same(
      steps.map(({ step }) => step),
      BOOT_STEPS,
    );
    const told = enclave.logged.split('\n').filter((line) => line.includes('boot step done'));
    t.same(
      told.map((line) => (JSON.parse(line) as { step: string }).step),
      BOOT_STEPS,
    );
    t.equal((await enclave.get('/livez')).status, 200);
  },
);

void t.test('an enclave that nobody registers says so in its log', async (t) => {
  const enclave = await prepare(t);
  await enclave.run();
  const reply = await enclave.attested();
  const told = (): string[] =>
    enclave.logged
      .split('\n')
      .filter((line) => line.includes('boot step'))
      .map((line) => {
        const { msg, step, waiting } = JSON.parse(line) as Record<string, string>;
        return [msg, step, ...(waiting === undefined ? [] : [waiting])].join(' ');
      })
      .slice(8);
  const wait = async (lines: number): Promise<void> => {
    enclave.time.advance(1_001);
    await eventually(`${lines} lines`, () => told().length === lines);
    for (let second = 0; second < 3; second += 1) {
      enclave.time.advance(1_001);
      await new Promise((resolve) => setTimeout(resolve, 15));
    }
    t.equal(told().length, lines, 'and none for each poll');
  };
  await wait(2);
  t.match(told(), [/begun registration$/, /waits registration the chain has not been read yet/]);
  enclave.register(reply, { cluster: { active: null } });
  await wait(3);
  t.match(told()[2], /waits registration no active session has the keys of this boot/);
  enclave.register(reply, { ageMs: 60_000 });
  await eventually('registration', async () => waitingFor(enclave, 'snapshot'));
  await wait(6);
  t.match(told().slice(3), [
    /done registration/,
    /begun snapshot/,
    /waits snapshot the chain's state is \d+ ms old/,
  ]);
  enclave.register(reply, { ageMs: -60_000 });
  await wait(7);
  t.match(told()[6], /waits snapshot the chain's state is -\d+ ms old/);
});

async function waitingFor(enclave: TestEnclave, step: BootStep): Promise<boolean> {
  const { json } = await enclave.get('/readyz');
  return (json['boot'] as { waitingFor: string }).waitingFor === step;
}

void t.test('entropy: no NSM, no entropy of its own, no root for this network', async (t) => {
  await t.test('no NSM', async (t) => {
    const enclave = await prepare(t);
    await enclave.run({ openNsm: () => Promise.reject(new NsmError('NSM_AUTHORITY', 'no file', 'make it')) });
    t.equal(await assertFailed(t, enclave, 'entropy', 'NSM_AUTHORITY'), 'no file');
  });
  await t.test('a device without nsm-hwrng', async (t) => {
    const enclave = await prepare(t);
    enclave.nsm.kind = 'device';
    const readText = (): Promise<string> => Promise.resolve('virtio_rng.0\n');
    await enclave.run({ checkEntropy: (nsm) => checkEntropy({ nsm, readText }) });
    t.match(await assertFailed(t, enclave, 'entropy', 'ENTROPY_SOURCE'), /virtio_rng/);
  });
  const runWith = async (enclave: TestEnclave, kind: Nsm['kind'], trustAnchor: Bytes): Promise<void> => {
    enclave.nsm.kind = kind;
    await enclave.run({ openNsm: () => Promise.resolve({ nsm: enclave.nsm, trustAnchor }) });
  };
  const mainnet = '4btiuiMPvEENsttpZC7CZ53DruC3MAgfznDbASZ7DR6S';
  const testnet = '69WiPg3DAQiwdxfncX6wYQ2siKwAe6L9BZthQea3JNMD';
  for (const [network, chainId] of [
    ['devnet', CHAIN],
    ['testnet', testnet],
    ['mainnet', mainnet],
    ['localnet', testnet],
    ['localnet', mainnet],
  ] as const) {
    await t.test(`${network}, chain ${chainId}: AWS's root by its bytes, and a device`, async (t) => {
      /** The file itself would be refused for some of these; what runs does not count on it. */
      const on = async (): Promise<TestEnclave> => {
        const enclave = await prepare(t);
        const { chain, cluster } = enclave.configuration;
        const named = { chain: { ...chain, network }, cluster: { ...cluster, chainId } };
        enclave.configuration = { ...enclave.configuration, ...named };
        return enclave;
      };
      for (const [kind, trustAnchor] of [
        ['device', ROOT],
        ['development', awsNitroRootG1],
      ] as const) {
        const enclave = await on();
        await runWith(enclave, kind, trustAnchor);
        const message = await assertFailed(t, enclave, 'entropy', 'TRUST_ANCHOR_NOT_AWS');
        t.match(
          message,
          `on ${chainId === mainnet ? 'mainnet' : chainId === testnet ? 'testnet' : 'devnet'} `,
        );
      }
      const enclave = await on();
      await runWith(enclave, 'device', awsNitroRootG1);
      await assertFailed(t, enclave, 'clock', 'ROOT_MISMATCH');
    });
  }
});

void t.test('clock: apart from the NSM, or the NSM is not to be believed', async (t) => {
  for (const byMs of [-60_000, 11_000]) {
    await t.test(`a host that is ${byMs} ms off`, async (t) => {
      const enclave = await prepare(t);
      enclave.time.setHost(byMs);
      await enclave.run();
      t.match(await assertFailed(t, enclave, 'clock', 'CLOCK_APART'), /ms ahead of the NSM's time/);
    });
  }
  await t.test('an NSM that fails', async (t) => {
    const enclave = await prepare(t);
    enclave.nsm.before = () => Promise.reject(new Error('EIO'));
    await enclave.run();
    t.match(await assertFailed(t, enclave, 'clock', 'NSM_FAILED'), /EIO/);
  });
  await t.test('an NSM that does not answer', async (t) => {
    const enclave = await prepare(t);
    enclave.nsm.before = () => new Promise(() => undefined);
    await enclave.run();
    await eventually('the call', () => enclave.nsm.calls.length === 1);
    enclave.time.advance(5_001);
    t.match(await assertFailed(t, enclave, 'clock', 'NSM_FAILED'), /no answer within 5000 ms/);
  });
  await t.test('documents of another image, of a debug enclave, of another root', async (t) => {
    const other = await prepare(t);
    const wrong = await testNsm(other.time, { ...PCRS, 1: new Uint8Array(48).fill(9) });
    other.nsm.mangle = (_document, request) => wrong.attest(request);
    await other.run();
    await assertFailed(t, other, 'clock', 'POLICY_PCR');

    const debug = await prepare(t);
    debug.nsm = new FaultyNsm(await testNsm(debug.time, {}));
    await debug.run();
    t.match(await assertFailed(t, debug, 'clock', 'PCR_MISSING'), /PCR0 as zero/);

    const pretends = await prepare(t);
    const zero = await testNsm(pretends.time, {});
    pretends.nsm.mangle = (_document, request) => zero.attest(request);
    await pretends.run();
    await assertFailed(t, pretends, 'clock', 'POLICY_DEBUG');

    const foreign = await prepare(t);
    const authority = await createDevelopmentAuthority({ clock: foreign.time.clock });
    const nsm = await developmentNsm({
      authority,
      pcrs: new Map(Object.entries(PCRS).map(([index, pcr]) => [Number(index), pcr])),
      clock: foreign.time.nsmClock,
      moduleId: 'i-test-enc2',
    });
    foreign.nsm.mangle = (_document, request) => nsm.attest(request);
    await foreign.run();
    await assertFailed(t, foreign, 'clock', 'ROOT_MISMATCH');
  });
});

void t.test('keys: a host that no certificate can name', async (t) => {
  const enclave = await prepare(t, { enclave: { listen: { host: '1.2.3.4.5', port: 0 } } });
  await enclave.run();
  await assertFailed(t, enclave, 'keys', 'BOOT_FAILED');
});

void t.test(
  'attestation: what the NSM says must be what was asked, and what a stranger would accept',
  async (t) => {
    const second = (enclave: TestEnclave): boolean => enclave.nsm.calls.length > 1;
    await t.test('the NSM fails', async (t) => {
      const enclave = await prepare(t);
      enclave.nsm.before = () => (second(enclave) ? Promise.reject(new Error('EIO')) : undefined);
      await enclave.run();
      await assertFailed(t, enclave, 'attestation', 'NSM_FAILED');
    });
    for (const [what, pattern] of [
      ['publicKey', /POLICY_PUBLIC_KEY/],
      ['userData', /POLICY_USER_DATA/],
    ] as const) {
      await t.test(`another ${what}`, async (t) => {
        const enclave = await prepare(t);
        const plain = await testNsm(enclave.time);
        enclave.nsm.mangle = (document, request) =>
          second(enclave) ? plain.attest({ ...request, [what]: new Uint8Array(32) }) : document;
        await enclave.run();
        t.match(await assertFailed(t, enclave, 'attestation', 'NSM_FAILED'), pattern);
      });
    }
    await t.test('a PCR of the first document changed, be it one that nobody names', async (t) => {
      const enclave = await prepare(t);
      const other = await testNsm(enclave.time, { ...PCRS, 4: new Uint8Array(48).fill(4) });
      enclave.nsm.mangle = (document, request) => (second(enclave) ? other.attest(request) : document);
      await enclave.run();
      t.match(await assertFailed(t, enclave, 'attestation', 'NSM_FAILED'), /POLICY_PCR: PCR4/);
    });
    await t.test('an altered signature', async (t) => {
      const enclave = await prepare(t);
      enclave.nsm.mangle = (document) => {
        if (second(enclave)) document[document.length - 1] = (document.at(-1) ?? 0) ^ 1;
        return document;
      };
      await enclave.run();
      t.match(await assertFailed(t, enclave, 'attestation', 'NSM_FAILED'), /COSE_SIGNATURE/);
    });
    await t.test('a document from before the first one', async (t) => {
      const enclave = await prepare(t);
      const old = await (await testNsm(enclave.time)).attest({});
      enclave.time.advance(60_000);
      enclave.nsm.mangle = (document) => (second(enclave) ? old : document);
      await enclave.run();
      t.match(await assertFailed(t, enclave, 'attestation', 'NSM_FAILED'), /POLICY_|went back/);
    });
    await t.test('no CA to attest', async (t) => {
      const enclave = await prepare(t);
      rmSync(join(enclave.dir, 'ca.crt'));
      await enclave.run();
      t.match(await assertFailed(t, enclave, 'attestation', 'BOOT_FAILED'), /ca\.crt/);
    });
  },
);

void t.test(
  'registration: another cluster, another policy, a revoked session, a chain that cannot be watched',
  async (t) => {
    const zero = new Uint8Array(32);
    for (const [code, change] of [
      ['CONFIG_DIGEST_DIFFERS', { cluster: { configDigest: zero } }],
      ['POLICY_DIFFERS', { cluster: { policyDigest: zero } }],
      ['SESSION_REVOKED', { session: { revoked: true }, cluster: { active: null } }],
    ] as const) {
      await t.test(code, async (t) => {
        const enclave = await prepare(t);
        await enclave.run();
        enclave.register(await enclave.attested(), change);
        await assertFailed(t, enclave, 'registration', code);
        enclave.register(await enclave.attested());
        await assertFailed(t, enclave, 'registration', code);
      });
    }
    const enclave = await prepare(t);
    await enclave.run({
      watchChain: () => {
        throw new Error('no such endpoint');
      },
    });
    t.match(await assertFailed(t, enclave, 'registration', 'BOOT_FAILED'), /no such endpoint/);
  },
);

void t.test('kubernetes-identity: takes one certificate, for our key, our user, by our CA', async (t) => {
  const enclave = await prepare(t);
  await enclave.run();
  const reply = await enclave.attested();
  t.match((await enclave.put('nonsense')).json, { code: 'CERTIFICATE_MALFORMED' });
  t.equal((await enclave.put('x'.repeat(20_000))).status, 400, 'too large');
  t.equal((await enclave.put('{}', 'application/json')).status, 422, 'another content type');
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const foreignPem = publicKey.export({ format: 'pem', type: 'spki' }).toString();
  const { certPem } = await ca.issueFor(foreignPem, {
    commonName: ENCLAVE_USER,
    usages: ['client'],
    days: 1,
  });
  t.match((await enclave.put(certPem)).json, { code: 'CERTIFICATE_FOREIGN_KEY' });
  const old = await clientCertificateFromCsr(ca, reply.csrPem, { commonName: ENCLAVE_USER, days: 3 });
  await new Promise((resolve) => setTimeout(resolve, 1_010)); // certificates know no milliseconds
  t.equal((await enclave.certify(reply)).status, 204, 'before the registration');
  t.match((await enclave.put(old.certPem)).json, { code: 'CERTIFICATE_OUTDATED' });
  const admin = await clientCertificateFromCsr(ca, reply.csrPem, { commonName: 'admin', days: 9 });
  t.match((await enclave.put(admin.certPem)).json, { code: 'CERTIFICATE_WRONG_USER' });
  enclave.register(reply);
  await enclave.running.ready;
  const nowhere = await enclave.get('/nowhere');
  t.equal(nowhere.status, 404);
  t.match(nowhere.json, { code: 'NOT_FOUND', message: /./, remedy: /./ });
});

/** Runs until the registrar has done all of its work. */
async function registered(enclave: TestEnclave): Promise<TestEnclave> {
  await enclave.run();
  const reply = await enclave.attested();
  enclave.register(reply);
  await enclave.certify(reply);
  return enclave;
}

void t.test('kubernetes-cache: an API server that is none, or does not answer', async (t) => {
  const misnamed = await registered(await prepare(t, { kubernetes: { server: 'https://127.0.0.1:1/path' } }));
  await assertFailed(t, misnamed, 'kubernetes-cache', 'KUBE_SERVER_INVALID');
  const silent = await registered(await prepare(t, { kubernetes: { server: 'https://127.0.0.1:1' } }));
  await eventually('the reason', async () =>
    /waiting for kubernetes-cache: .*\/api\/v1\/pods: KUBE_UNREACHABLE/.test(
      (await silent.get('/readyz')).text,
    ),
  );
  t.equal((await silent.get('/livez')).status, 200, 'it may come back');
});

void t.test('decision-log: one that cannot be replayed', async (t) => {
  const enclave = await prepare(t);
  writeFileSync(
    join(enclave.dir, 'decisions.log'),
    'not a decision log, and long enough to be seen as none'.repeat(9),
  );
  await registered(enclave);
  await assertFailed(t, enclave, 'decision-log', 'LOG_CORRUPT');
});

void t.test('serving: a port that is taken', async (t) => {
  const taken = createServer();
  taken.listen(0, '127.0.0.1');
  await once(taken, 'listening');
  t.teardown(() => taken.close());
  const { port } = taken.address() as AddressInfo;
  const enclave = await registered(await prepare(t, { enclave: { listen: { host: '127.0.0.1', port } } }));
  t.match(await assertFailed(t, enclave, 'serving', 'BOOT_FAILED'), /EADDRINUSE/);
});

void t.test('broker: with the attested key; a port that is taken; or none at all', async (t) => {
  const enclave = await registered(await prepare(t));
  await enclave.running.ready;
  const { tlsKeyHash } = (await enclave.get(ATTESTATION)).json;
  t.match(await enclave.release(), { status: 401, code: 'TOKEN_REFUSED', tlsKeyHash });

  const taken = createServer();
  taken.listen(0, '127.0.0.1');
  await once(taken, 'listening');
  t.teardown(() => taken.close());
  const { port } = taken.address() as AddressInfo;
  const broker = { listen: { host: '127.0.0.1', port } };
  const blocked = await registered(await prepare(t, { enclave: { broker } }));
  t.match(await assertFailed(t, blocked, 'broker', 'BOOT_FAILED'), /EADDRINUSE/);

  const without = await registered(await prepare(t, { enclave: { broker: undefined } }));
  await without.running.ready;
  const { done } = (await without.get('/readyz')).json['boot'] as {
    done: { step: string; detail?: string }[];
  };
  t.match(done.at(-1), { step: 'broker', detail: 'none' });
  t.notMatch(without.logged, /broker serving/);
});

void t.test('a boot can be stopped while it waits', async (t) => {
  const enclave = await TestEnclave.prepare();
  await enclave.run();
  await enclave.attested();
  await enclave.close();
  await t.rejects(enclave.running.ready, { code: 'BOOT_CANCELLED' });
  await t.rejects(enclave.get('/livez'), 'nothing listens any more');
  t.notOk(enclave.chain.started);
});
