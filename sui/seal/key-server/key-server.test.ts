import { randomBytes } from 'node:crypto';
import { request as httpRequest } from 'node:http';

import { bcs } from '@mysten/sui/bcs';
import { Ed25519Keypair } from '@mysten/sui/keypairs/ed25519';
import { fromBase64, fromHex, toBase64 } from '@mysten/sui/utils';
import { verifyPersonalMessageSignature } from '@mysten/sui/verify';
import { bls12_381 } from '@noble/curves/bls12-381.js';
import { bytesToNumberBE } from '@noble/curves/utils.js';
import t, { type Test } from 'tap';

import type { KeyServerChain, SimulatedFailure } from './chain.ts';
import { generateMasterKey, MasterKey } from './crypto.ts';
import { KeyServerError } from './errors.ts';
import { serveKeyServer, type KeyServer } from './server.ts';

const NOW = Date.UTC(2026, 10, 21, 9, 30, 5);
const PACKAGE = `0x${'11'.repeat(32)}`;
const FIRST = `0x${'10'.repeat(32)}`;
const OTHER = `0x${'22'.repeat(32)}`;
const STALENESS = `0x${'33'.repeat(32)}`;
const OBJECT = `0x${'44'.repeat(32)}`;
const ID = Uint8Array.from([0xab, 0xcd]);
const random = (length: number): Uint8Array => new Uint8Array(randomBytes(length));
const user = Ed25519Keypair.fromSecretKey(new Uint8Array(32).fill(5));
const session = Ed25519Keypair.fromSecretKey(new Uint8Array(32).fill(6));
const { G1, G2 } = bls12_381;
/** The session's ElGamal secret. */
const SECRET = bytesToNumberBE(generateMasterKey(random));

type Kind = typeof bcs.TransactionKind.$inferInput;
type Program = Extract<Kind, { ProgrammableTransaction: unknown }>['ProgrammableTransaction'];
type Command = Program['commands'] extends Iterable<infer T> ? T : never;
type CallArg = Program['inputs'] extends Iterable<infer T> ? T : never;

const pure = (bytes: Uint8Array): CallArg => ({ Pure: { bytes: toBase64(bytes) } });
const idInput = pure(bcs.byteVector().serialize(ID).toBytes());
const clockInput: CallArg = {
  Object: { SharedObject: { objectId: '0x6', initialSharedVersion: 1, mutable: false } },
};
function call(changes: Partial<Extract<Command, { MoveCall: unknown }>['MoveCall']> = {}): Command {
  const base = { package: PACKAGE, module: 'policy', function: 'seal_approve', typeArguments: [] };
  return { MoveCall: { ...base, arguments: [{ Input: 0 }], ...changes } };
}

function ptbOf(inputs: CallArg[], commands: Command[]): Uint8Array {
  const kind = { ProgrammableTransaction: { inputs, commands } };
  return bcs.TransactionKind.serialize(kind, { maxSize: 1 << 20 })
    .toBytes()
    .slice(1);
}

const PTB = ptbOf([idInput], [call()]);

interface Made {
  readonly ptb?: Uint8Array;
  readonly packageId?: string;
  readonly createdMs?: number;
  readonly ttlMin?: number;
  readonly signer?: Ed25519Keypair;
  readonly sessionSigner?: Ed25519Keypair;
  readonly mvrName?: string;
}

/** A request as `../shared/reference/sui-and-seal.md` and @mysten/seal have it, signed. */
async function request(made: Made = {}): Promise<Record<string, unknown>> {
  const { ptb = PTB, packageId = FIRST, createdMs = NOW - 1_000, ttlMin = 10, signer = user } = made;
  const vk = toBase64(session.getPublicKey().toRawBytes());
  const created = new Date(createdMs);
  const two = (n: number): string => String(n).padStart(2, '0');
  const date = `${created.getUTCFullYear()}-${two(created.getUTCMonth() + 1)}-${two(created.getUTCDate())}`;
  const time = `${two(created.getUTCHours())}:${two(created.getUTCMinutes())}:${two(created.getUTCSeconds())}`;
  const text = `Accessing keys of package ${packageId} for ${ttlMin} mins from ${date} ${time} UTC, session key ${vk}`;
  const { signature } = await signer.signPersonalMessage(new TextEncoder().encode(text));
  const encKey = G1.Point.BASE.multiply(SECRET).toBytes();
  const encVerificationKey = G2.Point.BASE.multiply(SECRET).toBytes();
  const vector = bcs.byteVector();
  const signed = [ptb, encKey, encVerificationKey].map((part) => vector.serialize(part).toBytes());
  const bySession = await (made.sessionSigner ?? session).sign(new Uint8Array(Buffer.concat(signed)));
  return {
    ptb: toBase64(ptb),
    enc_key: toBase64(encKey),
    enc_verification_key: toBase64(encVerificationKey),
    request_signature: toBase64(bySession),
    certificate: {
      user: user.toSuiAddress(),
      session_vk: vk,
      creation_time: createdMs,
      ttl_min: ttlMin,
      signature,
      ...(made.mvrName === undefined ? {} : { mvr_name: made.mvrName }),
    },
  };
}

interface Script {
  first: string | null;
  failure: SimulatedFailure | KeyServerError | null;
  simulated: Uint8Array[];
}

interface Bench {
  readonly server: KeyServer;
  readonly masterKey: MasterKey;
  readonly script: Script;
  readonly failures: unknown[];
  readonly post: (body: unknown, headers?: Record<string, string>) => Promise<Answer>;
}

interface Answer {
  readonly status: number;
  readonly error?: string;
  readonly message?: string;
  readonly decryption_keys?: { id: number[]; encrypted_key: [string, string] }[];
  readonly headers: Headers;
}

const SDK = { 'client-sdk-type': 'typescript', 'client-sdk-version': '1.4.12' };

/** A key server on a chain that answers as told. */
async function bench(
  t: Test,
  packages?: ReadonlySet<string>,
  changes: Partial<Parameters<typeof serveKeyServer>[0]> = {},
): Promise<Bench> {
  const script: Script = { first: FIRST, failure: null, simulated: [] };
  const failures: unknown[] = [];
  const chain: KeyServerChain = {
    firstPackageId: () => Promise.resolve(script.first),
    gasPrice: () => Promise.resolve(1_000n),
    simulate: (transaction) => {
      script.simulated.push(transaction);
      const { failure } = script;
      return failure instanceof KeyServerError ? Promise.reject(failure) : Promise.resolve(failure);
    },
    verifyUser: (message, signature, address) =>
      verifyPersonalMessageSignature(message, signature, { address }).then(
        () => true,
        () => false,
      ),
  };
  const masterKey = new MasterKey(generateMasterKey(random));
  const server = await serveKeyServer({
    objectId: OBJECT,
    masterKey,
    packages,
    chain,
    clock: { now: () => NOW },
    random,
    stalenessPackage: STALENESS,
    stalenessMsMax: 120_000,
    onFailure: (error) => failures.push(error),
    ...changes,
  });
  t.teardown(() => server.close());
  const post: Bench['post'] = async (body, headers = SDK) => {
    const response = await fetch(`${server.url}/v1/fetch_key`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
    const answer = (await response.json()) as Omit<Answer, 'status' | 'headers'>;
    return { ...answer, status: response.status, headers: response.headers };
  };
  return { server, masterKey, script, failures, post };
}

void t.test('a key for whom the policy lets in, and what the policy was asked', async (t) => {
  const { post, script, masterKey } = await bench(t);
  const answer = await post(await request());
  t.equal(answer.status, 200);
  t.match(answer.headers.get('x-keyserver-version'), /^0\.6\.\d+$/);
  const [key] = answer.decryption_keys ?? [];
  const identity = [...fromHex(FIRST), ...ID];
  t.strictSame(key?.id, identity, 'under the first version of the package');
  const [c0, c1] = (key?.encrypted_key ?? ['', '']).map((part) => G1.Point.fromBytes(fromBase64(part)));
  const opened = c1?.subtract(c0?.multiply(SECRET) ?? G1.Point.ZERO);
  // e(key, G2) = e(H(identity), public key): what SealClient checks (ibe.ts, verifyUserSecretKey).
  const message = Uint8Array.from([...new TextEncoder().encode('SUI-SEAL-IBE-BLS12381-00'), ...identity]);
  const hashed = G1.Point.fromAffine(G1.hashToCurve(message).toAffine());
  const left = bls12_381.pairing(opened ?? G1.Point.BASE, G2.Point.BASE);
  const right = bls12_381.pairing(hashed, G2.Point.fromBytes(masterKey.publicKey));
  t.ok(bls12_381.fields.Fp12.eql(left, right), 'it is the key of that identity');
  const again = await post(await request());
  t.notSame(again.decryption_keys?.[0]?.encrypted_key, key?.encrypted_key, 'encrypted with fresh randomness');

  const asked = bcs.TransactionData.parse(script.simulated[0] ?? new Uint8Array()).V1;
  t.match(asked, {
    sender: user.toSuiAddress(),
    gasData: { payment: [], owner: user.toSuiAddress(), price: '1000', budget: '5000000000' },
  });
  const program = asked.kind.ProgrammableTransaction;
  t.match(
    program?.commands.map(({ MoveCall: one }) => `${one?.package}::${one?.module}::${one?.function}`),
    [`${STALENESS}::time::check_staleness`, `${PACKAGE}::policy::seal_approve`],
  );
  t.strictSame(
    program?.commands[0]?.MoveCall?.arguments.map(({ Input }) => Input),
    [1, 2, 3],
  );
  const u64 = (index: number) => bcs.u64().parse(fromBase64(program?.inputs[index]?.Pure?.bytes ?? ''));
  t.strictSame([u64(1), u64(2)], [String(NOW), '120000']);

  const withClock = ptbOf([idInput, clockInput], [call({ arguments: [{ Input: 0 }, { Input: 1 }] }), call()]);
  const two = await post(await request({ ptb: withClock }));
  t.equal(two.decryption_keys?.length, 2, 'a key for each call');
  const last = bcs.TransactionData.parse(script.simulated.at(-1) ?? new Uint8Array()).V1;
  const { inputs, commands } = last.kind.ProgrammableTransaction ?? { inputs: [], commands: [] };
  t.equal(inputs.length, 4, 'the clock is not added twice');
  t.strictSame(
    commands[0]?.MoveCall?.arguments.map(({ Input }) => Input),
    [2, 3, 1],
  );
});

void t.test('GET /v1/service', async (t) => {
  const { server, masterKey } = await bench(t);
  const get = (query: string) => fetch(`${server.url}/v1/service${query}`);
  const response = await get(`?service_id=${OBJECT}`);
  const { service_id, pop } = (await response.json()) as { service_id: string; pop: string };
  t.equal(service_id, OBJECT);
  const text = new TextEncoder().encode('SUI-SEAL-IBE-BLS12381-POP-00');
  const proven = Uint8Array.from([...text, ...masterKey.publicKey, ...fromHex(OBJECT)]);
  const { shortSignatures } = bls12_381;
  t.ok(shortSignatures.verify(fromBase64(pop), shortSignatures.hash(proven), masterKey.publicKey));
  for (const query of [
    '',
    '?service_id=',
    '?service_id=x',
    `?service_id=${OTHER}`,
    '?service_id=1&service_id=2',
  ]) {
    const refused = await get(query);
    t.equal(refused.status, 400, query);
    t.match(await refused.json(), { error: 'InvalidServiceId' });
  }
  t.equal((await fetch(`${server.url}/v2/service`)).status, 404);
  const preflight = await fetch(`${server.url}/v1/fetch_key`, {
    method: 'OPTIONS',
    headers: {
      origin: 'https://app.example',
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'client-sdk-type,client-sdk-version,content-type,request-id',
    },
  });
  t.equal(preflight.status, 204);
  t.equal(preflight.headers.get('access-control-allow-origin'), '*');
  t.match(preflight.headers.get('access-control-allow-headers'), /client-sdk-version.*request-id/);
  t.match(preflight.headers.get('access-control-expose-headers'), /x-keyserver-version/);
});

void t.test('every refusal: code, HTTP status, and nothing given away', async (t) => {
  const { post, script, failures } = await bench(t);
  const good = await request();
  const certificate = good['certificate'] as Record<string, unknown>;
  const flip = (value: unknown): string => {
    const bytes = fromBase64(value as string);
    bytes[20] = (bytes[20] ?? 0) ^ 1;
    return toBase64(bytes);
  };
  const badPtb = (ptb: Uint8Array) => request({ ptb });
  const many = Array.from({ length: 101 }, () => call());
  const INFINITY = (bytes: number): string =>
    toBase64(Uint8Array.from({ length: bytes }, (_, i) => (i === 0 ? 0xc0 : 0)));
  const rows: [name: string, body: unknown, status: number, code: string][] = [
    ['not JSON', '{', 400, 'InvalidRequest'],
    ['another field', { ...good, extra: 1 }, 400, 'InvalidRequest'],
    ['a field missing', { ...good, ptb: undefined }, 400, 'InvalidRequest'],
    ['not base64', { ...good, ptb: '*' }, 400, 'InvalidRequest'],
    ['no point of G1', { ...good, enc_key: flip(good['enc_key']) }, 400, 'InvalidRequest'],
    ['infinity in G1', { ...good, enc_key: INFINITY(48) }, 400, 'InvalidRequest'],
    ['infinity in G2', { ...good, enc_verification_key: INFINITY(96) }, 400, 'InvalidRequest'],
    ['a short signature', { ...good, request_signature: 'AAAA' }, 400, 'InvalidRequest'],
    ['no address', { ...good, certificate: { ...certificate, user: 'alice' } }, 400, 'InvalidRequest'],
    ['time as text', { ...good, certificate: { ...certificate, creation_time: '1' } }, 400, 'InvalidRequest'],
    ['181 KiB', ' '.repeat(181 * 1024), 413, 'RequestTooLarge'],
    ['no BCS', await badPtb(Uint8Array.from([1, 2, 3])), 403, 'InvalidPTB'],
    ['bytes left over', await badPtb(Uint8Array.from([...PTB, 0])), 403, 'InvalidPTB'],
    ['no commands', await badPtb(ptbOf([idInput], [])), 403, 'InvalidPTB'],
    ['no inputs', await badPtb(ptbOf([], [call({ arguments: [] })])), 403, 'InvalidPTB'],
    ['no arguments', await badPtb(ptbOf([idInput], [call({ arguments: [] })])), 403, 'InvalidPTB'],
    ['101 commands', await badPtb(ptbOf([idInput], many)), 403, 'InvalidPTB'],
    [
      'another command',
      await badPtb(ptbOf([idInput], [call(), { MakeMoveVec: { type: 'u8', elements: [] } }])),
      403,
      'InvalidPTB',
    ],
    [
      'another function',
      await badPtb(ptbOf([idInput], [call({ function: 'approve_seal' })])),
      403,
      'InvalidPTB',
    ],
    ['two packages', await badPtb(ptbOf([idInput], [call(), call({ package: OTHER })])), 403, 'InvalidPTB'],
    [
      'gas as argument',
      await badPtb(ptbOf([idInput], [call({ arguments: [{ Input: 0 }, { GasCoin: null }] })])),
      403,
      'InvalidPTB',
    ],
    [
      'a result as argument',
      await badPtb(ptbOf([idInput], [call(), call({ arguments: [{ Input: 0 }, { Result: 0 }] })])),
      403,
      'InvalidPTB',
    ],
    ['an id that is an object', await badPtb(ptbOf([clockInput], [call()])), 403, 'InvalidPTB'],
    [
      'an input that is not there',
      await badPtb(ptbOf([idInput], [call({ arguments: [{ Input: 9 }] })])),
      403,
      'InvalidPTB',
    ],
    [
      'an id with bytes left over',
      await badPtb(ptbOf([pure(Uint8Array.from([1, 2, 3]))], [call()])),
      403,
      'InvalidPTB',
    ],
    ['a registry name', await request({ mvrName: '@a/b' }), 403, 'InvalidMVRName'],
    ['31 minutes', await request({ ttlMin: 31 }), 403, 'InvalidCertificate'],
    ['from the future', await request({ createdMs: NOW + 1 }), 403, 'InvalidCertificate'],
    ['expired by 1 ms', await request({ createdMs: NOW - 600_001 }), 403, 'InvalidCertificate'],
    ['signed by another user', await request({ signer: session }), 403, 'InvalidSignature'],
    ['signed for another package', await request({ packageId: PACKAGE }), 403, 'InvalidSignature'],
    [
      'a longer life than signed',
      { ...good, certificate: { ...certificate, ttl_min: 11 } },
      403,
      'InvalidSignature',
    ],
    [
      'another session key',
      { ...good, certificate: { ...certificate, session_vk: toBase64(new Uint8Array(32).fill(9)) } },
      403,
      'InvalidSignature',
    ],
    ['asked by another session', await request({ sessionSigner: user }), 403, 'InvalidSessionSignature'],
    [
      'another transaction than signed',
      { ...good, ptb: toBase64(ptbOf([idInput], [call(), call()])) },
      403,
      'InvalidSessionSignature',
    ],
    [
      'another key than signed',
      { ...good, enc_key: toBase64(G1.Point.BASE.toBytes()) },
      403,
      'InvalidSessionSignature',
    ],
  ];
  for (const [name, body, status, error] of rows) {
    const answer = await post(body);
    t.match(answer, { status, error }, name);
    t.equal(answer.decryption_keys, undefined);
  }
  t.equal(script.simulated.length, 0, 'none of them came to the policy');
  for (const at of [NOW, NOW - 600_000])
    t.equal((await post(await request({ createdMs: at }))).status, 200, 'the edges');

  const abort = (packageId: string, module: string, code: bigint): SimulatedFailure => ({
    message: 'MoveAbort in 1st command',
    kind: 'MoveAbort',
    abort: { packageId, module, code },
  });
  const policies: [string, Script['failure'], number, string][] = [
    ['refused by the policy', abort(PACKAGE, 'policy', 1n), 403, 'NoAccess'],
    ['no such function', { message: '', kind: 'FUNCTION_NOT_FOUND', abort: null }, 403, 'InvalidPTB'],
    [
      'refused by the node',
      new KeyServerError('InvalidParameter', 'object not found'),
      403,
      'InvalidParameter',
    ],
    ['no answer', new KeyServerError('Failure', 'The node does not answer'), 503, 'Failure'],
    ['a stale node', abort(STALENESS, 'time', 93_492n), 503, 'Failure'],
    ['a slow clock', abort(STALENESS, 'time', 93_493n), 503, 'Failure'],
    ["a policy's own abort 93492", abort(PACKAGE, 'time', 93_492n), 403, 'NoAccess'],
  ];
  for (const [name, failure, status, error] of policies) {
    script.failure = failure;
    t.match(await post(good), { status, error, decryption_keys: undefined }, name);
  }
  t.equal(failures.length, 3, 'its own faults it tells its operator');
  script.failure = null;
  script.first = null;
  t.match(await post(good), { status: 403, error: 'InvalidPackage' });
});

void t.test('the SDK says what it is, before anything else is looked at', async (t) => {
  const { post } = await bench(t);
  const rows: [Record<string, string>, number, string][] = [
    [{}, 400, 'MissingRequiredHeader'],
    [{ 'client-sdk-version': 'new' }, 400, 'InvalidSDKVersion'],
    [{ 'client-sdk-version': '1.4' }, 400, 'InvalidSDKVersion'],
    [{ 'client-sdk-version': '0.4.4' }, 426, 'DeprecatedSDKVersion'],
    [{ 'client-sdk-version': '0.4.4', 'client-sdk-type': 'typescript' }, 426, 'DeprecatedSDKVersion'],
    [{ 'client-sdk-version': '1.0.0', 'client-sdk-type': 'cobol' }, 400, 'InvalidSDKType'],
  ];
  for (const [headers, status, error] of rows)
    t.match(await post('{', headers), { status, error }, JSON.stringify(headers));
  for (const version of ['0.4.5', '0.5.0', '1.0.0', '1.4.12-beta.1'])
    t.match(await post('{', { 'client-sdk-version': version }), { error: 'InvalidRequest' }, version);
});

void t.test('the checks come in the order of the protocol', async (t) => {
  const { post, script } = await bench(t, new Set([OTHER]));
  const broken = { ptb: ptbOf([idInput], []), ttlMin: 31, signer: session, sessionSigner: user };
  t.match(await post(await request(broken)), { error: 'InvalidPTB' });
  const rest = { ...broken, ptb: PTB };
  t.match(
    await post(await request(rest)),
    { status: 403, error: 'UnsupportedPackageId' },
    'not a package it serves',
  );
  script.first = OTHER;
  t.match(await post(await request({ ...rest, packageId: OTHER })), { error: 'InvalidCertificate' });
  const signatures = { ...rest, ttlMin: 10 };
  t.match(await post(await request({ ...signatures, packageId: OTHER })), { error: 'InvalidSignature' });
  t.match(await post(await request({ sessionSigner: user, packageId: OTHER })), {
    error: 'InvalidSessionSignature',
  });
  t.equal(script.simulated.length, 0);
  t.equal((await post(await request({ packageId: OTHER }))).status, 200);
});

void t.test('a client that asks too often waits; nobody can use up what is another one’s', async (t) => {
  const time = { ms: NOW };
  const clock = { now: () => time.ms };
  // Three of one address; what a user did not sign for does not count as his.
  const { post, server } = await bench(t, undefined, { clock, requestsPerClientAndMinuteMax: 3 });
  time.ms = NOW;
  const forged = await request({ signer: session });
  t.match(await post(forged), { error: 'InvalidSignature' });
  t.equal((await post(await request())).status, 200);
  t.equal((await post(await request())).status, 200);
  const refused = await post(await request());
  t.match(refused, { status: 429, error: 'TooManyRequests', decryption_keys: undefined });
  t.equal(refused.headers.get('retry-after'), '20');
  const metrics = await (await fetch(`${server.url}/metrics`)).text();
  for (const line of [
    'daas_key_server_requests_total{outcome="InvalidSignature"} 1',
    'daas_key_server_requests_total{outcome="ok"} 2',
    'daas_key_server_requests_total{outcome="TooManyRequests"} 1',
    'daas_key_server_keys_total 2',
    'daas_key_server_extractions_total{result="miss"} 1',
    'daas_key_server_extractions_total{result="hit"} 1',
    'daas_key_server_request_seconds_count 4',
  ])
    t.ok(metrics.split('\n').includes(line), line);
  t.notMatch(metrics, new RegExp(user.toSuiAddress()), 'no client is named');
});

void t.test(
  'a user’s requests count wherever they come from, and nobody else’s in his name do',
  async (t) => {
    const { server } = await bench(t, undefined, { requestsPerClientAndMinuteMax: 1 });
    const from = async (localAddress: string, body: object): Promise<number> =>
      await new Promise((resolve, reject) => {
        const headers = { ...SDK, 'content-type': 'application/json' };
        const options = { method: 'POST', localAddress, headers, agent: false } as const;
        const outgoing = httpRequest(`${server.url}/v1/fetch_key`, options, (incoming) => {
          incoming.resume();
          resolve(incoming.statusCode ?? 0);
        });
        outgoing.on('error', reject);
        outgoing.end(JSON.stringify(body));
      });
    t.equal(
      await from('127.0.0.2', await request({ signer: session })),
      403,
      'in his name, not signed by him',
    );
    t.equal(await from('127.0.0.3', await request()), 200);
    t.equal(await from('127.0.0.4', await request()), 429, 'again, from elsewhere');
  },
);

void t.test('a key that was computed before is asked of the policy again', async (t) => {
  const { post, script } = await bench(t);
  const body = await request();
  t.equal((await post(body)).status, 200);
  script.failure = {
    message: 'no',
    kind: 'MoveAbort',
    abort: { packageId: PACKAGE, module: 'policy', code: 1n },
  };
  t.match(await post(body), { status: 403, error: 'NoAccess', decryption_keys: undefined });
  t.equal(script.simulated.length, 2);
});

void t.test('ready, if everything that it needs is', async (t) => {
  const state = { chain: true, asked: 0 };
  const time = { ms: NOW };
  const readiness = [
    { name: 'registration', run: () => Promise.resolve() },
    {
      name: 'chain',
      run: () => {
        state.asked += 1;
        return state.chain ? Promise.resolve() : Promise.reject(new Error('three minutes behind'));
      },
    },
  ];
  const { server } = await bench(t, undefined, { readiness, clock: { now: () => time.ms } });
  const get = async (path: string): Promise<[number, string]> => {
    const response = await fetch(`${server.url}${path}`);
    return [response.status, await response.text()];
  };
  t.strictSame(await get('/readyz'), [200, '[+]registration ok\n[+]chain ok\nok\n']);
  state.chain = false;
  t.equal((await get('/readyz'))[0], 200, 'for a second it says what it knew');
  time.ms += 1_000;
  t.strictSame(await get('/readyz'), [
    503,
    '[+]registration ok\n[-]chain failed: three minutes behind\nnot ready\n',
  ]);
  t.equal(state.asked, 2);
  t.strictSame(await get('/livez'), [200, 'ok']);
});

void t.test('master keys', (t) => {
  const order = fromHex('73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001');
  for (const bytes of [new Uint8Array(32), order, new Uint8Array(31).fill(1), new Uint8Array(33).fill(1)])
    t.throws(() => new MasterKey(bytes), RangeError);
  const one = new MasterKey(Uint8Array.from({ length: 32 }, (_, i) => (i === 31 ? 1 : 0)));
  t.strictSame(one.publicKey, G2.Point.BASE.toBytes());
  t.notMatch(JSON.stringify(one), /scalar/);
  t.end();
});
