import { bcs } from '@mysten/sui/bcs';
import { Transaction } from '@mysten/sui/transactions';
import * as fc from 'fast-check';
import t from 'tap';

import { quickParse } from './parse.ts';

const SEED = 20_261_121;
const ID = `0x${'ab'.repeat(32)}`;
const DIGEST = '4vJ9JU1bJJE96FWSJKvHsmmFADCg4gpZQff4P3bkLKi';
const REF = { objectId: ID, version: '18446744073709551615', digest: DIGEST };

/** Every form that the quick parser knows, built by the SDK. */
async function build(expiration?: Parameters<Transaction['setExpiration']>[0]): Promise<Uint8Array> {
  const tx = new Transaction();
  tx.setSender(ID);
  tx.setGasOwner(`0x${'0'.repeat(63)}1`);
  tx.setGasPayment([{ ...REF, version: '0' }]);
  tx.setGasPrice(1_000);
  tx.setGasBudget(5_000_000);
  if (expiration !== undefined) tx.setExpiration(expiration);
  const coins = tx.splitCoins(tx.gas, [1, 2]);
  tx.mergeCoins(coins[0], [coins[1]]);
  const shared = { objectId: `0x${'cd'.repeat(32)}`, initialSharedVersion: '7', mutable: true };
  const [value] = tx.moveCall({
    target: `${ID}::module::function_name`,
    typeArguments: [
      'u8',
      'vector<vector<u256>>',
      '0x2::coin::Coin<0x2::sui::SUI>',
      '0x2::table::Table<address, 0x1::option::Option<0x1::string::String>>',
    ],
    arguments: [
      tx.objectRef({ ...REF, objectId: `0x${'01'.repeat(32)}` }),
      tx.sharedObjectRef(shared),
      tx.receivingRef({ ...REF, objectId: `0x${'02'.repeat(32)}` }),
      tx.pure.vector(
        'u8',
        Array.from({ length: 20_000 }, (_, i) => i & 0xff),
      ),
      tx.pure.string(''),
    ],
  });
  tx.makeMoveVec({ type: '0x2::coin::Coin<0x2::sui::SUI>', elements: [] });
  tx.transferObjects([tx.makeMoveVec({ elements: [value ?? tx.gas] })], ID);
  return await tx.build();
}

/** What the SDK makes of the bytes; null unless they are the canonical form of it. */
function bySdk(bytes: Uint8Array): unknown {
  try {
    const parsed = bcs.TransactionData.parse(bytes);
    const again = bcs.TransactionData.serialize(parsed, { maxSize: 1 << 20 }).toBytes();
    return Buffer.from(again).equals(bytes) ? parsed.V1 : null;
  } catch {
    return null;
  }
}

const chain = { minTimestamp: null, maxTimestamp: null, chain: DIGEST, nonce: 4_294_967_295 };
const forms = [
  await build({ None: true }),
  await build({ ValidDuring: { ...chain, minEpoch: '0', maxEpoch: '18446744073709551615' } }),
];

void t.test('the quick parser says what the SDK says', async (t) => {
  for (const bytes of forms) {
    const quick = quickParse(bytes);
    t.ok(quick !== null);
    t.strictSame(quick, bySdk(bytes));
  }
  const publish = new Transaction();
  publish.setSender(ID);
  publish.setGasPayment([REF]);
  publish.setGasPrice(1);
  publish.setGasBudget(1);
  publish.publish({ modules: [[1]], dependencies: [] });
  t.equal(quickParse(await publish.build()), null, 'what is rare is left to the SDK');
  t.equal(quickParse(await build({ Epoch: 7 })), null);
});

void t.test('changed bytes: it takes nothing that the SDK would not take, or take otherwise', (t) => {
  let taken = 0;
  const change = fc.record({
    form: fc.nat({ max: forms.length - 1 }),
    // Most of a form is the long input; what is before and after it is what counts.
    at: fc.oneof(
      fc.nat({ max: 700 }),
      fc.nat({ max: 700 }).map((back) => -1 - back),
    ),
    mode: fc.constantFrom('set', 'flip', 'drop', 'insert', 'cut', 'grow'),
    byte: fc.oneof(fc.nat({ max: 255 }), fc.constantFrom(0, 1, 0x7f, 0x80, 0xff)),
  });
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 2 }), (changes) => {
      let bytes = Array.from(forms[changes[0]?.form ?? 0] ?? []);
      for (const { at, mode, byte } of changes) {
        const i = at < 0 ? bytes.length + at : at;
        if (mode === 'set') bytes[i] = byte;
        if (mode === 'flip') bytes[i] = (bytes[i] ?? 0) ^ (1 << (byte & 7));
        if (mode === 'drop') bytes.splice(i, 1);
        if (mode === 'insert') bytes.splice(i, 0, byte);
        if (mode === 'grow') bytes.splice(i, 1, (bytes[i] ?? 0) | 0x80, 0);
        if (mode === 'cut') bytes = bytes.slice(0, i);
      }
      const mutant = Uint8Array.from(bytes);
      const quick = quickParse(mutant);
      if (quick === null) return;
      taken += 1;
      if (!t.strictSame(quick, bySdk(mutant))) throw new Error('they differ');
    }),
    { seed: SEED, numRuns: Number(process.env['FC_RUNS'] ?? 600) },
  );
  t.ok(taken > 100, `${taken} of the mutants were taken`);
  t.end();
});
