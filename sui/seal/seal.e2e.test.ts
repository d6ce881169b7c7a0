import {
  EncryptedObject,
  ExpiredSessionKeyError,
  InternalError,
  InvalidKeyServerError,
  InvalidKeyServerObjectIdError,
  InvalidParameterError,
  NoAccessError,
  SealClient,
  SessionKey,
} from '@mysten/seal';
import type { Ed25519Keypair } from '@mysten/sui/keypairs/ed25519';
import { fromHex } from '@mysten/sui/utils';
import t, { type Test } from 'tap';

import { createStage, type Stage } from './testdata/stage.ts';

const SECRET = new TextEncoder().encode('the secret of a workload');
const THRESHOLD = 2;
const TTL_MIN = 10;

t.setTimeout(600_000);

function sealClient({ client, servers }: Stage): SealClient {
  const serverConfigs = servers.map(({ objectId }) => ({ objectId, weight: 1 }));
  return new SealClient({ suiClient: client, serverConfigs, verifyKeyServers: true, timeout: 60_000 });
}

function session(
  { client, alice, policyPackage }: Stage,
  signer: Ed25519Keypair = alice,
): Promise<SessionKey> {
  const address = signer.toSuiAddress();
  return SessionKey.create({ address, packageId: policyPackage, ttlMin: TTL_MIN, signer, suiClient: client });
}

type ErrorClass = new (...args: never[]) => Error;

/** Rejects, with an error of this class of the SDK if one is named (tap compares only built-in ones). */
async function refused(t: Test, promise: Promise<unknown>, name: string, kind?: ErrorClass): Promise<void> {
  const outcome = await promise.then(
    () => 'succeeded',
    (reason: unknown) => ({ reason }),
  );
  const holds = typeof outcome === 'object' && (kind === undefined || outcome.reason instanceof kind);
  t.ok(holds, `${name}: ${typeof outcome === 'string' ? outcome : String(outcome.reason)}`);
}

async function encrypt(stage: Stage, seal: SealClient, id: string): Promise<Uint8Array> {
  const { encryptedObject } = await seal.encrypt({
    threshold: THRESHOLD,
    packageId: stage.policyPackage,
    id,
    data: SECRET,
    aad: new TextEncoder().encode('name/key'),
  });
  return encryptedObject;
}

void t.test('the unmodified SealClient, three key servers, threshold two, all over the ledger', async (t) => {
  await using stage = await createStage();
  const { alice, mallory, identity, ask, servers, skew } = stage;
  const seal = sealClient(stage);
  const id = identity('first');
  const data = await encrypt(stage, seal, id);
  const parsed = EncryptedObject.parse(data);
  t.strictSame([parsed.threshold, parsed.services.length, parsed.id], [THRESHOLD, 3, id]);
  const sessionKey = await session(stage);
  const txBytes = await ask(id);

  t.strictSame(await seal.decrypt({ data, sessionKey, txBytes }), SECRET, 'decrypts');
  const fresh = sealClient(stage);
  t.strictSame(
    await fresh.decrypt({ data, sessionKey, txBytes, checkShareConsistency: true }),
    SECRET,
    'another client, with the check of all shares',
  );
  const keys = await sealClient(stage).getDerivedKeys({ id, txBytes, sessionKey, threshold: THRESHOLD });
  t.equal(keys.size, THRESHOLD);

  const decrypt = (key: SessionKey, tx = txBytes, bytes = data): Promise<Uint8Array> =>
    sealClient(stage).decrypt({ data: bytes, sessionKey: key, txBytes: tx });
  await refused(t, decrypt(await session(stage, mallory)), 'not on the list', NoAccessError);
  await refused(t, decrypt(sessionKey, await ask(identity('second'))), 'a key for another identity');
  const foreign = `${'11'.repeat(32)}00`;
  const outside = await encrypt(stage, seal, foreign);
  await refused(t, decrypt(sessionKey, await ask(foreign), outside), 'not under the list', NoAccessError);

  for (const at of [data.length - 1, data.length - 40, 200]) {
    const tampered = Uint8Array.from(data);
    tampered[at] = (tampered[at] ?? 0) ^ 1;
    await refused(t, decrypt(sessionKey, txBytes, tampered), `byte ${at} changed`);
  }

  skew.ms = (TTL_MIN + 1) * 60_000;
  await refused(t, decrypt(sessionKey), 'an expired session', ExpiredSessionKeyError);
  skew.ms = 3 * 60_000;
  await refused(t, decrypt(sessionKey), 'a stale node', InternalError);
  t.match(servers[0]?.failures, [{ code: 'Failure', message: 'The node is stale' }]);
  skew.ms = -3 * 60_000;
  await refused(t, decrypt(sessionKey), 'a session from the future', ExpiredSessionKeyError);
  skew.ms = 0;

  await stage.run((tx) => {
    tx.moveCall({
      target: `${stage.policyPackage}::allow_list::remove`,
      arguments: [tx.object(stage.listId), tx.pure.address(alice.toSuiAddress())],
    });
  });
  await refused(t, decrypt(sessionKey), 'taken off the list', NoAccessError);
  t.strictSame(await seal.decrypt({ data, sessionKey, txBytes }), SECRET, 'but a key once given stays given');
});

void t.test('servers that are down, and one that lies', async (t) => {
  await using stage = await createStage();
  const { servers, identity, ask } = stage;
  const seal = sealClient(stage);
  const ids = ['one down', 'two down'].map(identity) as [string, string];
  const [first, second] = [await encrypt(stage, seal, ids[0]), await encrypt(stage, seal, ids[1])];
  const sessionKey = await session(stage);
  await servers[0]?.server.close();
  t.strictSame(
    await seal.decrypt({ data: first, sessionKey, txBytes: await ask(ids[0]) }),
    SECRET,
    'one down',
  );
  await refused(t, encrypt(stage, sealClient(stage), ids[0]), 'a new client verifies every server first');
  await servers[1]?.server.close();
  await refused(t, seal.decrypt({ data: second, sessionKey, txBytes: await ask(ids[1]) }), 'two down');

  // The chain says that this server is where another one is, which holds another key.
  const [liar, honest] = [servers[1], servers[2]];
  if (liar === undefined || honest === undefined) throw new Error('there are three');
  await stage.run((tx) => {
    tx.moveCall({
      target: `${stage.stalenessPackage}::key_server::update_url`,
      arguments: [tx.object(liar.objectId), tx.pure.string(honest.server.url)],
    });
  });
  const serverConfigs = [{ objectId: liar.objectId, weight: 1 }];
  const options = { suiClient: stage.client, serverConfigs };
  const verified = { ...options, verifyKeyServers: true };
  await refused(
    t,
    new SealClient(verified).getKeyServers(),
    'it does not know the object',
    InvalidKeyServerObjectIdError,
  );
  // A client that asks the honest server about the liar's object, as a wrong proof of possession would look to it.
  const forged = new SealClient({
    ...verified,
    fetch: async () => {
      const proof = await fetch(`${honest.server.url}/v1/service?service_id=${honest.objectId}`);
      const { pop } = (await proof.json()) as { pop: string };
      return Response.json(
        { service_id: liar.objectId, pop },
        { headers: { 'x-keyserver-version': '0.6.7' } },
      );
    },
  });
  await refused(t, forged.getKeyServers(), 'a proof for another object', InvalidKeyServerError);
});

void t.test('what a new object looks like to a node that does not have it yet', async (t) => {
  await using stage = await createStage();
  const { identity, ask, listId } = stage;
  const seal = sealClient(stage);
  const id = identity('x');
  const data = await encrypt(stage, seal, id);
  const built = await ask(id);
  const unknown = Uint8Array.from(built);
  const at = Buffer.from(built).lastIndexOf(Buffer.from(fromHex(listId)));
  unknown.fill(7, at, at + 32);
  const sessionKey = await session(stage);
  const asked = seal.decrypt({ data, sessionKey, txBytes: unknown });
  await refused(t, asked, 'an unknown object', InvalidParameterError);
});
