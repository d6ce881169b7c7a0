import { list, text, u64, u8, address, bool, bytes, type Argument } from './literals.ts';
import type { Scene } from './scene.ts';

/** One parameter of a driver function: its Move type, and what is chosen for it. */
export interface Part {
  readonly type: string;
  readonly choose: (scene: Scene) => Argument;
}

/** A parameter of a function of ours, made from one or more parameters of the driver's. */
export interface Domain {
  readonly parts: readonly Part[];
  /** Statement before the call, and the argument itself. `%0` is the first part, `%x` a name of its own. */
  readonly before?: string;
  readonly argument: string;
  readonly after?: string;
}

const NODE_NAMES = ['worker-1', 'worker-2', 'a.b-c.d'] as const;
export const PODS = ['pod-1', 'pod-2'] as const;
const BAD_NAMES = ['', '-a', 'A', 'a..b', 'a-', 'x'.repeat(254), 'worker-1.', 'ü'];
const TIERS = ['gold', 'silver', '', 't'.repeat(64)];
const PEOPLE = ['0xa11ce', '0xb0b', '0xfe'].map((id) => `0x${id.slice(2).padStart(64, '0')}`);
const KEY_BYTES = 96;

const one = (type: string, choose: Part['choose'], argument = '%0'): Domain => ({
  parts: [{ type, choose }],
  argument,
});

const amount = (scene: Scene): Argument => u64(scene.amount());
const digest = ({ random }: Scene): Argument =>
  bytes(new Uint8Array(random.chance(90) ? 32 : random.pick([0, 31, 33])).fill(random.below(3) + 1));
const pcr = ({ random }: Scene): Argument =>
  bytes(new Uint8Array(random.chance(94) ? 48 : 47).fill(random.chance(94) ? random.below(3) + 20 : 0));
const name = (scene: Scene): Argument => {
  const { random } = scene;
  const held = scene.nodeNames();
  if (held.length > 0 && random.chance(60)) return text(random.pick(held));
  return text(random.chance(92) ? random.pick(NODE_NAMES) : random.pick(BAD_NAMES));
};
const configs = (scene: Scene): Argument =>
  list(
    scene.random.chance(92) ? [u64(1), u64(2), u64(scene.config())].slice(0, scene.random.below(2) + 1) : [],
  );

/** Terms near those of the world, one of them changed now and then. */
function parameters({ random }: Scene): Argument {
  const numbers = [100, 1_000, 2_000, 500, 100, 60_000, 120_000, 180_000, 300_000, 700, 30_000].map(BigInt);
  numbers.push(...[20_000, 10_000, 40_000, 4_000, 1_500, 50].map(BigInt));
  for (let i = random.below(3); i > 0; i -= 1)
    numbers[random.below(17)] = random.pick([
      0n,
      1n,
      9_999n,
      10_000n,
      10_001n,
      60_000n,
      31_536_000_000n,
      31_536_000_001n,
      random.integer(64),
    ]);
  return list(numbers.map(u64));
}

function grantTerms(scene: Scene): Argument {
  const { random } = scene;
  const rare = (usual: bigint, ...others: bigint[]): bigint =>
    random.chance(80) ? usual : random.pick(others);
  const from = rare(0n, scene.time(), scene.now);
  const until = rare(0xffffffffffffffffn, scene.time(), scene.now + 1n);
  return list([
    u64(rare(0n, scene.amount())),
    u64(from),
    u64(until),
    u64(rare(10n, 0n, 1n, 2n)),
    u64(rare(2n, 0n, 1n)),
    u64(rare(60_000n, 999n, 1_000n, 86_400_000n, 86_400_001n)),
  ]);
}

function publicKey({ random }: Scene): Argument {
  const key = new Uint8Array(random.chance(85) ? KEY_BYTES : random.pick([0, 95, 97])).fill(7);
  if (key.length > 0)
    key[0] = random.chance(80) ? 0x80 | random.below(0x40) : random.pick([0x00, 0x40, 0xc0]);
  return bytes(key);
}

const proofs: Part['choose'] = ({ random }) =>
  list(
    Array.from({ length: random.below(4) }, () =>
      bytes(new Uint8Array(random.chance(95) ? 32 : 31).fill(random.below(5))),
    ),
  );

/** By the word that stands for the parameter in `actions.ts`. */
export const DOMAINS: Readonly<Record<string, Domain>> = {
  ctx: { parts: [], argument: '&ctx' },
  '&mut ctx': { parts: [], argument: '&mut ctx' },
  clock: { parts: [], argument: '&w.clock' },
  coin: { parts: [{ type: 'u64', choose: amount }], before: 'let %x = w.coin(%0);', argument: '%x' },
  purse: {
    parts: [{ type: 'u64', choose: amount }],
    before: 'let mut %x = w.coin(%0);',
    argument: '&mut %x',
    after: 'out.append(bcs::to_bytes(&%x)); unit_test::destroy(%x);',
  },
  amount: one('u64', amount),
  time: one('u64', (scene) => u64(scene.time())),
  until: one('u64', (scene) => u64(scene.random.chance(70) ? scene.now + 60_000n : scene.time())),
  role: one('u8', ({ random }) => u8(random.chance(60) ? 1 : random.below(4))),
  config: one('u64', (scene) => u64(scene.config())),
  term: one('u64', (scene) => u64(scene.term())),
  small: one('u64', ({ random }) => u64(random.chance(90) ? random.below(4) : random.integer(64))),
  capacity: one('u64', ({ random }) =>
    u64(random.chance(88) ? random.pick([1, 1_000, 1_024, 2_001]) : random.integer(64)),
  ),
  bool: one('bool', ({ random }) => bool(random.chance(75))),
  person: one('address', ({ random }) => address(random.pick(PEOPLE))),
  bytes: one('vector<u8>', ({ random }) => bytes(random.bytes(random.pick([0, 1, 32, 64, 200])))),
  signature: one('vector<u8>', ({ random }) => bytes(new Uint8Array(random.pick([0, 63, 64])))),
  digest: one('vector<u8>', digest),
  key: one('vector<u8>', digest),
  pcr: one('vector<u8>', pcr),
  name: one('vector<u8>', name, 'text(%0)'),
  tier: one(
    'vector<u8>',
    ({ random }) => text(random.chance(90) ? random.pick(TIERS.slice(0, 2)) : random.pick(TIERS)),
    'text(%0)',
  ),
  label: one(
    'vector<u8>',
    ({ random }) =>
      text(
        random.pick([
          'a',
          'default',
          'reason',
          'é',
          random.chance(80) ? 'x' : 'x'.repeat(257),
          random.chance(80) ? 'y' : '',
        ]),
      ),
    'text(%0)',
  ),
  namespace: one(
    'vector<u8>',
    ({ random }) => text(random.chance(92) ? 'default' : random.pick(['', 'n'.repeat(254)])),
    'text(%0)',
  ),
  account: one(
    'vector<u8>',
    ({ random }) => text(random.chance(92) ? 'web' : random.pick(['', 'db'])),
    'text(%0)',
  ),
  'uid?': one(
    'vector<u8>',
    ({ random }) => text(random.chance(80) ? '' : random.pick(['uid-1', 'u'.repeat(65)])),
    'maybe_text(%0)',
  ),
  url: one(
    'vector<u8>',
    ({ random }) =>
      text(
        random.pick(['https://a', 'http://b.example', 'https://', 'ftp://a', `https://${'a'.repeat(505)}`]),
      ),
    'text(%0)',
  ),
  'public key': one('vector<u8>', publicKey),
  policy: one('u8', ({ random }) => u8(random.pick([0, 0, 128, 192, 1]))),
  'key type': one('u8', ({ random }) => u8(random.chance(92) ? 0 : 1)),
  proof: one('vector<vector<u8>>', proofs),
  parameters: one('vector<u64>', parameters, 'parameters_of(%0)'),
  'tier terms': {
    parts: [
      { type: 'u64', choose: amount },
      {
        type: 'vector<vector<u8>>',
        choose: ({ random }) =>
          list(random.pick([['dev'], ['dev', 'ops'], [], ['system:masters'], ['']]).map(text)),
      },
      { type: 'u64', choose: ({ random }) => u64(random.pick([1, 5, 400, 0, 401])) },
    ],
    argument: 'tier_of(%0, %1, %2)',
  },
  'secret terms': {
    parts: [
      { type: 'vector<u64>', choose: configs },
      { type: 'vector<u64>', choose: grantTerms },
      {
        type: 'vector<u64>',
        choose: (scene) => list(scene.random.chance(85) ? [] : [u64(scene.index('position'))]),
      },
      {
        type: 'vector<vector<u8>>',
        choose: ({ random, keys }) =>
          list(random.chance(85) ? [] : [bytes(random.pick(keys.nodes).publicKey)]),
      },
      {
        type: 'vector<vector<u8>>',
        choose: ({ random }) => list(random.chance(80) ? [] : [bytes(new Uint8Array(32).fill(5))]),
      },
    ],
    before: 'let %x = w.terms_of(%0, %1, %2, %3, %4);',
    argument: '%x',
  },
};
