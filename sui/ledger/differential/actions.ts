import { DOMAINS, type Part } from './domains.ts';
import { KINDS, type Kind } from './kinds.ts';
import { u64, u8, list, bytes } from './literals.ts';
import type { Scene } from './scene.ts';

const FIELDS: Readonly<Record<Kind, string>> = {
  cluster: 'clusters',
  cap: 'caps',
  position: 'positions',
  slot: 'slots',
  session: 'sessions',
  proposal: 'proposals',
  pass: 'passes',
  policy: 'policies',
  grant: 'grants',
  recovery: 'recoveries',
  timelock: 'timelocks',
  ticket: 'tickets',
  key_server: 'key_servers',
};

/**
 * The functions that sequences call: parameters as words of `domains.ts` or objects of the world. A result is kept in
 * the world (`-> position`), compared (`-> value`), or is a coin, compared too.
 */
const TABLE = `
cluster::accept_config(&mut cluster, &cap, pcr, pcr, pcr)
cluster::retire_config(&mut cluster, &cap, config)
cluster::set_parameters(&mut cluster, &cap, parameters)
cluster::govern(&mut cluster, &cap)
cluster::set_tier(&mut cluster, &cap, tier, tier terms)
cluster::remove_tier(&mut cluster, &cap, tier)
cluster::migrate(&mut cluster, &cap)
cluster::set_version_for_testing(&mut cluster, small)
staking::stake(&mut cluster, coin, role, clock, &mut ctx) -> position
staking::top_up(&mut cluster, &mut position, coin, clock, ctx)
staking::request_unbond(&mut cluster, &mut position, amount, clock, ctx)
staking::withdraw(&mut cluster, &mut position, clock, &mut ctx) -> coin
staking::reward(&cluster, &mut position, coin)
staking::take_rewards(&cluster, &mut position, &mut ctx) -> coin
staking::close(&cluster, position, ctx)
staking::slash(&mut cluster, &cap, &mut position, amount, label)
nodes::claim(&mut cluster, &mut position, name, key, digest, capacity, capacity, signature, clock, ctx)
nodes::record_certificate(&mut cluster, &cap, name, position id, until, clock)
nodes::heartbeat(&cluster, &mut position, time, signature, clock)
nodes::leave(&mut cluster, &mut position, clock, ctx)
nodes::jail(&mut cluster, &cap, name)
nodes::unjail(&mut cluster, &cap, name)
enclaves::new_slot(&cluster, &cap, person, config, until, &mut ctx) -> slot
enclaves::activate(&mut cluster, &cap, &session, term)
enclaves::revoke(&mut cluster, &cap, &mut session, clock)
enclaves::end(&mut cluster, &mut session, clock, ctx)
enclaves::reclaim_bond(&cluster, &mut session, clock, &mut ctx) -> coin
decisions::verify(&cluster, &session, bytes, signature) -> value
decisions::receipt_digest(bytes, bytes) -> value
anchors::anchor(&cluster, &mut session, bytes, signature, proof)
anchors::assert_included(&cluster, &session, bytes, small, proof)
slashing::report_decisions(&mut cluster, &mut session, bytes, signature, bytes, signature, clock)
slashing::report_anchors(&mut cluster, &mut session, bytes, signature, bytes, signature, clock)
releases::verify(&cluster, &session, bytes, signature) -> value
seal_policy::create(&cluster, namespace, account, uid?, secret terms, &mut ctx) -> policy
seal_policy::set_terms(&cluster, &mut policy, secret terms, ctx)
seal_policy::rotate(&cluster, &mut policy, ctx) -> value
seal_policy::retire_versions(&cluster, &mut policy, small, ctx)
seal_policy::revoke_grants(&cluster, &mut policy, ctx)
seal_policy::new_grant(&cluster, &session, &mut policy, &position, bytes, signature, bytes, signature, clock, &mut ctx) -> grant
seal_policy::discard(grant)
seal_policy::new_recovery(&cluster, &policy, clock, &mut ctx) -> recovery
seal_policy::discard_recovery(recovery)
seal_policy::seal_approve_for_testing(bytes, &grant, &cluster, &policy, &session, &position, clock, ctx)
seal_policy::seal_approve_recovery_for_testing(bytes, &recovery, &cluster, &policy, clock, ctx)
access_pass::issue(&cluster, &mut position, tier, digest, small, &mut ctx) -> pass
access_pass::renew(&cluster, &mut pass, &mut position, small, ctx)
access_pass::rotate(&cluster, &mut pass, &position, digest, ctx)
access_pass::revoke(&cluster, &cap, &mut pass, &mut position)
access_pass::give_back(&cluster, pass, &mut position, ctx)
access_pass::validate(&cluster, &pass, &position, digest, ctx) -> value
governance::propose_parameters(&cluster, &mut position, purse, parameters, clock, &mut ctx) -> proposal
governance::propose_config(&cluster, &mut position, purse, pcr, pcr, pcr, clock, &mut ctx) -> proposal
governance::vote(&cluster, &mut proposal, &mut position, bool, clock, ctx)
governance::execute_parameters(&mut cluster, &mut proposal, clock, &mut ctx)
governance::execute_config(&mut cluster, &cap, &mut proposal, clock, &mut ctx)
governance::execute_slash(&mut cluster, &mut proposal, &mut position, clock, &mut ctx)
governance::close(&mut cluster, &mut proposal, clock, &mut ctx)
governance::close_slash(&mut cluster, &mut proposal, &mut position, clock, &mut ctx)
merkle::leaf_hash(bytes) -> value
merkle::node_hash(digest, digest) -> value
merkle::assert_inclusion(digest, small, small, digest, proof)
merkle::assert_consistency(small, digest, small, digest, proof)
timelock::announce(&mut timelock, digest, policy, clock)
timelock::authorize(&mut timelock, clock) -> ticket
timelock::cancel(&mut timelock)
timelock::restrict(&mut timelock, policy)
timelock::make_immutable(timelock)
key_server::register(tier, url, key type, public key, &mut ctx) -> key_server
key_server::update_url(&mut key_server, url)
`;

/** What sequences may do in one step: a function of the driver. */
export interface Action {
  readonly module: string;
  /** Name in the driver. */
  readonly name: string;
  readonly parts: readonly (Part & { readonly word: string; readonly kind: Kind | null })[];
}

interface Call extends Action {
  readonly callee: string;
  readonly parameters: readonly string[];
  readonly result: string | null;
}

/** They leave little that anything else may do, so only sequences about versions call them. */
const VERSIONS = new Set(['migrate', 'set_version_for_testing']);
const OBJECT = /^(&mut |&|)(\w+)( id)?$/;

function kindOf(word: string): Kind | null {
  const name = OBJECT.exec(word)?.[2];
  return KINDS.find((kind) => kind === name) ?? null;
}

function partsOf(word: string): Action['parts'] {
  const domain = DOMAINS[word];
  if (domain !== undefined) return domain.parts.map((part) => ({ ...part, word, kind: null }));
  const kind = kindOf(word);
  if (kind === null) throw new Error(`unknown parameter ${word}`);
  return [{ type: 'u64', word, kind, choose: (scene: Scene) => u64(scene.index(kind)) }];
}

const CALLS: readonly Call[] = TABLE.trim()
  .split('\n')
  .map((line) => {
    const [, module = '', fn = '', list = '', result = null] =
      /^(\w+)::(\w+)\((.*)\)(?: -> (\w+))?$/.exec(line) ?? [];
    const parameters = list.split(', ');
    const name = `${module}_${fn.replace('_for_testing', '')}`;
    return {
      module: VERSIONS.has(fn) ? 'versions' : module,
      name,
      callee: `${module}::${fn}`,
      parameters,
      result,
      parts: parameters.flatMap(partsOf),
    };
  });

const part = (word: string, type: string): Action['parts'][number] => ({
  type,
  word,
  kind: null,
  choose: (DOMAINS[word] as { parts: readonly Part[] }).parts[0]?.choose as Part['choose'],
});
const pcrs = (scene: Scene): ReturnType<typeof list> =>
  list([10, 11, 12].map((byte) => bytes(new Uint8Array(48).fill(scene.random.chance(96) ? byte : 0))));

/** Written by hand in the driver, with the same kinds of parameters. */
const BY_HAND: readonly Action[] = [
  {
    module: 'enclaves',
    name: 'register',
    parts: [
      ...partsOf('&cluster'),
      ...partsOf('slot'),
      part('time', 'u64'),
      {
        type: 'vector<u8>',
        word: 'indices',
        kind: null,
        choose: ({ random }) =>
          bytes(
            Uint8Array.from(
              random.pick([
                [0, 1, 2],
                [0, 1, 2],
                [0, 1, 2],
                [0, 1],
                [0, 1, 1],
              ]),
            ),
          ),
      },
      { type: 'vector<vector<u8>>', word: 'pcrs', kind: null, choose: pcrs },
      part('key', 'vector<u8>'),
      part('key', 'vector<u8>'),
      part('digest', 'vector<u8>'),
      part('amount', 'u64'),
      {
        type: 'u8',
        word: 'flaw',
        kind: null,
        choose: ({ random }) => u8(random.chance(85) ? 0 : random.below(6)),
      },
    ],
  },
  {
    module: 'governance',
    name: 'propose_slash',
    parts: [
      ...partsOf('&cluster'),
      ...partsOf('position'),
      ...partsOf('position'),
      part('purse', 'u64'),
      part('amount', 'u64'),
      part('label', 'vector<u8>'),
      part('digest', 'vector<u8>'),
    ],
  },
  { module: 'versions', name: 'remake', parts: [...partsOf('&cluster'), part('small', 'u64')] },
  {
    module: 'timelock',
    name: 'lock',
    parts: [
      part('person', 'address'),
      {
        type: 'u64',
        word: 'delay',
        kind: null,
        choose: ({ random }) =>
          u64(random.pick([86_400_000n, 86_400_000n, 86_399_999n, 31_536_000_000n, 31_536_000_001n])),
      },
    ],
  },
  { module: 'timelock', name: 'commit', parts: [...partsOf('timelock'), ...partsOf('ticket')] },
];

export const ACTIONS: readonly Action[] = [...CALLS, ...BY_HAND];

export function actionNamed(name: string): Action {
  const found = ACTIONS.find((action) => action.name === name);
  if (found === undefined) throw new Error(`no action ${name}`);
  return found;
}

/** One parameter of the call: statements before and after it, and the argument. */
function parameterCode(
  word: string,
  names: readonly string[],
  own: string,
): { before: string; argument: string; after: string } {
  const fill = (code = ''): string =>
    code.replaceAll(/%(\w)/g, (_, i: string) => (i === 'x' ? own : (names[Number(i)] ?? '')));
  const domain = DOMAINS[word];
  if (domain !== undefined)
    return { before: fill(domain.before), argument: fill(domain.argument), after: fill(domain.after) };
  const [, reference = '', , id] = OBJECT.exec(word) ?? [];
  const field = `w.${FIELDS[kindOf(word) ?? 'cluster']}`;
  if (id !== undefined)
    return { before: fill(`let %x = object::id(&${field}[%0]);`), argument: own, after: '' };
  if (reference === '') return { before: fill(`let %x = ${field}.remove(%0);`), argument: own, after: '' };
  return { before: '', argument: fill(`${reference}${field}[%0]`), after: '' };
}

function functionCode({ name, callee, parameters, parts, result }: Call): string {
  let at = 0;
  const pieces = parameters.map((word, i) => {
    const count = partsOf(word).length;
    const names = Array.from({ length: count }, (_, k) => `a${at + k}`);
    at += count;
    return parameterCode(word, names, `x${i}`);
  });
  const context = parameters.find((word) => word.endsWith('ctx'));
  const body = [
    'let mut out = vector[];',
    ...pieces.map(({ before }) => before),
    context === undefined ? '' : `let ${context === 'ctx' ? '' : 'mut '}ctx = w.ctx();`,
    `${result === null ? '' : 'let made = '}${callee}(${pieces.map(({ argument }) => argument).join(', ')});`,
    result === 'value' ? 'out.append(bcs::to_bytes(&made));' : '',
    result === 'coin' ? 'out.append(bcs::to_bytes(&made)); unit_test::destroy(made);' : '',
    KINDS.some((kind) => kind === result) ? `w.${FIELDS[result as Kind]}.push_back(made);` : '',
    ...pieces.map(({ after }) => after),
    'out',
  ];
  const head = parts.map(({ type }, i) => `, a${i}: ${type}`).join('');
  return `public fun ${name}(w: &mut World${head}): vector<u8> {\n${body
    .filter((line) => line !== '')
    .map((line) => `    ${line}\n`)
    .join('')}}`;
}

/** The driver's functions for the table. */
export function actionCode(): string {
  return CALLS.map(functionCode).join('\n\n');
}
