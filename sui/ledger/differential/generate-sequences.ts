import { bcs } from '@mysten/sui/bcs';

import type { Loader } from '../vm/loader.ts';
import { Ref, type Value } from '../vm/values.ts';
import { ACTIONS, actionNamed, type Action } from './actions.ts';
import { isRow, moduleSource, type Case, type Row } from './compare.ts';
import { KINDS, type Kind } from './kinds.ts';
import { u64, type Argument } from './literals.ts';
import { FITS, type Ask } from './papers.ts';
import { CarefulRandom, type Random } from './random.ts';
import { START_MS, Scene } from './scene.ts';
import { Run, stopOf, type Stop } from './vm.ts';

/** One transaction of a sequence. `hint` names it, so that dropping others changes no id. */
export interface Step {
  readonly sender: string;
  readonly hint: number;
  readonly epoch: number;
  readonly ms: bigint;
  readonly action: string;
  readonly args: readonly Argument[];
}

const MODULE = 'driver';
const PEOPLE = ['0xfe', '0xa11ce', '0xb0b'].map((id) => `0x${id.slice(2).padStart(64, '0')}`);
const STEPS = 11;
const TRIES = 6;
const LEAD_TRIES = 60;
/** How often the same failure is kept: by place and code. */
const SAME_STOPS_MAX = 4;

/** What a sequence is about: how it begins, so that most of its module is within reach, and the modules it calls. */
const THEMES: readonly { readonly begin: readonly string[]; readonly modules: readonly string[] }[] = [
  { begin: ['staking_stake', 'staking_stake'], modules: ['staking', 'cluster'] },
  { begin: ['staking_stake', 'nodes_claim', 'staking_stake'], modules: ['nodes', 'nodes', 'staking'] },
  { begin: ['enclaves_new_slot', 'register'], modules: ['enclaves', 'cluster'] },
  {
    begin: ['enclaves_new_slot', 'register', 'enclaves_activate'],
    modules: ['anchors', 'anchors', 'anchors', 'decisions', 'slashing'],
  },
  {
    begin: [
      'staking_stake',
      'nodes_claim',
      'enclaves_new_slot',
      'register',
      'enclaves_activate',
      'seal_policy_create',
      'seal_policy_new_grant',
    ],
    modules: ['seal_policy', 'seal_policy', 'seal_policy', 'releases', 'nodes'],
  },
  {
    begin: ['cluster_set_tier', 'staking_stake', 'access_pass_issue'],
    modules: ['access_pass', 'access_pass', 'staking'],
  },
  {
    begin: [
      'staking_stake',
      'staking_stake',
      'staking_stake',
      'cluster_govern',
      'governance_propose_parameters',
      'governance_vote',
    ],
    modules: ['governance', 'governance', 'governance', 'staking'],
  },
  {
    begin: [
      'staking_stake',
      'staking_stake',
      'staking_stake',
      'cluster_govern',
      'propose_slash',
      'governance_vote',
    ],
    modules: ['governance', 'governance', 'staking'],
  },
  {
    begin: [
      'staking_stake',
      'staking_stake',
      'cluster_govern',
      'governance_propose_config',
      'governance_vote',
    ],
    modules: ['governance'],
  },
  { begin: ['lock', 'timelock_announce'], modules: ['timelock', 'timelock', 'timelock', 'key_server'] },
  { begin: [], modules: ['merkle', 'cluster', 'key_server', 'decisions'] },
  { begin: ['staking_stake', 'remake'], modules: ['versions', 'versions', 'cluster', 'staking'] },
];

/** A sequence in the ledger's VM: the world, and how it came about. */
class Player {
  readonly run: Run;
  readonly held: Value[];

  constructor(loader: Loader) {
    this.run = new Run(loader);
    this.held = this.run.call(MODULE, 'new', []).values;
  }

  /** BCS of what the driver's function returns, or the very bytes where it returns bytes. */
  ask: Ask = (name, args) => {
    const { values, encoded } = this.run.call(MODULE, name, [new Ref(this.held, 0), ...args]);
    const [value] = values;
    // An ID is a struct around its address.
    return typeof (value as Value[])[0] === 'string'
      ? (encoded[0] ?? new Uint8Array())
      : Uint8Array.from(value as number[]);
  };

  play({ sender, hint, epoch, ms, action, args }: Step): Uint8Array {
    const world = new Ref(this.held, 0);
    this.run.call(MODULE, 'begin', [world, sender, BigInt(hint), BigInt(epoch), ms]);
    return this.ask(
      action,
      args.map(({ value }) => value),
    );
  }

  /** Every object of the world, by the expression that names it in a test. */
  objects(): Map<string, { readonly kind: number; readonly index: number; readonly contents: Uint8Array }> {
    const scene = this.held[0] as Value[];
    const found = new Map<string, { kind: number; index: number; contents: Uint8Array }>();
    for (const [kind] of KINDS.entries()) {
      for (const index of (scene[kind + 4] as Value[]).keys()) {
        const contents = this.ask('object', [kind, BigInt(index)]);
        found.set(`driver::object(&w, ${kind}, ${index})`, { kind, index, contents });
      }
    }
    return found;
  }
}

const callSource = ({ sender, hint, epoch, ms, action, args }: Step): { begin: string; call: string } => ({
  begin: `driver::begin(&mut w, @${sender}, ${hint}, ${epoch}, ${ms});`,
  call: `driver::${action}(${['&mut w', ...args.map(({ source }) => source)].join(', ')})`,
});

const TICKET = KINDS.indexOf('ticket');

/** Rows of what a step returned, made, changed and emitted. */
function rowsAfter(player: Player, before: ReturnType<Player['objects']>, events: number): Row[] {
  const rows: Row[] = [];
  const after = player.objects();
  for (const [expression, { kind, index, contents }] of after) {
    const earlier = before.get(expression);
    if (earlier !== undefined && Buffer.compare(earlier.contents, contents) === 0) continue;
    if (earlier === undefined && kind !== TICKET) {
      const expected = player.ask('id', [kind, BigInt(index)]);
      rows.push({ kind: 'id', expression: `bcs::to_bytes(&driver::id(&w, ${kind}, ${index}))`, expected });
    }
    rows.push({ kind: 'object', expression, expected: contents });
  }
  const all = player.run.events;
  for (const [i, { type, contents }] of all.entries()) {
    if (i < events) continue;
    const [address = '', module = '', name = ''] = type.split('::');
    const nth = all.slice(0, i).filter((one) => one.type === type).length;
    const list = `event::events_by_type<${moduleSource(address, module)}::${name}>()`;
    rows.push({ kind: 'event', expression: `bcs::to_bytes(&${list}[${nth}])`, expected: contents });
  }
  return rows;
}

/** Plays the steps and tells what each must leave behind; the last may end early, and then the case does. */
export function caseOf(loader: Loader, name: string, steps: readonly Step[]): Case {
  const player = new Player(loader);
  const lines: (string | Row)[] = ['let mut w = driver::new();'];
  for (const step of steps) {
    const before = player.objects();
    const events = player.run.events.length;
    const undo = player.run.mark(player.held);
    const { begin, call } = callSource(step);
    lines.push(begin);
    let returned: Uint8Array;
    try {
      returned = player.play(step);
    } catch (error) {
      const stop = stopOf(error);
      undo();
      // Only the end is compared here: the rows before it are those of another case.
      const said = lines.flatMap((line) =>
        !isRow(line) ? [line] : line.kind === 'value' ? [`${line.expression};`] : [],
      );
      return { name, lines: [...said, `${call};`, 'driver::end(w);'], stop };
    }
    if (returned.length > 0) lines.push({ kind: 'value', expression: call, expected: returned });
    else lines.push(`${call};`);
    lines.push(...rowsAfter(player, before, events));
  }
  const { length } = player.run.events;
  lines.push({
    kind: 'count',
    expression: 'bcs::to_bytes(&event::num_events())',
    expected: bcs.u32().serialize(length).toBytes(),
  });
  lines.push('driver::end(w);');
  return { name, lines, stop: null };
}

export interface Sequence {
  readonly name: string;
  readonly steps: readonly Step[];
  readonly test: Case;
}

/** Makes sequences that keep visiting what they have not seen: failures that were met often are not kept. */
export class SequenceGenerator {
  readonly #loader: Loader;
  readonly #random: Random;
  /** Times each failure was met, by place and code; and each action ended well. */
  readonly stops = new Map<string, number>();
  readonly successes = new Map<string, number>();
  #made = 0;

  constructor(loader: Loader, random: Random) {
    this.#loader = loader;
    this.#random = random;
  }

  /** One sequence of steps that end well, and one for each step worth keeping that does not. */
  next(): Sequence[] {
    const theme = THEMES[this.#made % THEMES.length] ?? { begin: [], modules: [] };
    const name = `s${this.#made}`;
    this.#made += 1;
    const player = new Player(this.#loader);
    const steps: Step[] = [];
    const failed: Step[][] = [];
    let now = START_MS;
    const { length: lead } = theme.begin;
    for (let i = 0; i < lead + STEPS; i += 1) {
      for (let attempt = 0; attempt < (i < lead ? LEAD_TRIES : TRIES); attempt += 1) {
        const action = i < lead ? actionNamed(theme.begin[i] ?? '') : this.#action(theme.modules, player);
        const step = this.#step(player, action, now, 100 + i * 100 + attempt, i < lead);
        const undo = player.run.mark(player.held);
        try {
          player.play(step);
        } catch (error) {
          if (this.#keeps(stopOf(error))) failed.push([...steps, step]);
          undo();
          continue;
        }
        this.successes.set(action.name, (this.successes.get(action.name) ?? 0) + 1);
        steps.push(step);
        now = step.ms;
        break;
      }
    }
    return [steps, ...failed].map((list, i) => {
      const own = i === 0 ? name : `${name}_stop${i}`;
      return { name: own, steps: list, test: caseOf(this.#loader, own, list) };
    });
  }

  #keeps({ address, module, code }: Stop): boolean {
    const key = `${moduleSource(address, module)} ${code}`;
    const times = this.stops.get(key) ?? 0;
    this.stops.set(key, times + 1);
    return times < SAME_STOPS_MAX;
  }

  /** Mostly of the theme's modules, and mostly one whose objects are there. */
  #action(modules: readonly string[], player: Player): Action {
    const random = this.#random;
    const module = random.pick(modules);
    const scene = new Scene(random, player.held[0] as Value, 0n);
    const any = random.chance(12);
    const fitting = ACTIONS.filter(
      (one) =>
        (any ? one.module !== 'versions' : one.module === module) &&
        one.parts.every(({ kind }) => kind === null || scene.objects(kind).length > 0),
    );
    return fitting.length > 0 && random.chance(99) ? random.pick(fitting) : random.pick(ACTIONS.slice(8));
  }

  #step(player: Player, action: Action, before: bigint, hint: number, leads: boolean): Step {
    const { name, parts } = action;
    const random = this.#random;
    const world = player.held[0] as Value;
    const ms = new Scene(random, world, before).next(leads ? 90 : 60);
    const careful = random.chance(leads ? 50 : 30);
    const scene = new Scene(careful ? new CarefulRandom(random.integer(64)) : random, world, ms);
    const args = parts.map((part) => part.choose(scene));
    this.#fitCluster(scene, parts, args);
    const epoch = random.chance(50) ? 0 : random.below(6);
    // What is to be signed can be had only where the objects are there: else nothing is.
    FITS[name]?.(scene, args, (what, values) => {
      try {
        return player.ask(what, values);
      } catch (error) {
        stopOf(error);
        return new Uint8Array();
      }
    });
    return { sender: this.#sender(scene, action, args), hint, epoch, ms, action: name, args };
  }

  /** Mostly the cluster, and its capability, of the first object that names one. */
  #fitCluster(scene: Scene, parts: Action['parts'], args: Argument[]): void {
    const named = parts.flatMap(({ kind }, i) =>
      kind === null || kind === 'cap' ? [] : (scene.clusterOf(kind, Number(args[i]?.value)) ?? []),
    );
    const [cluster] = named;
    for (const [i, { kind }] of parts.entries())
      if (cluster !== undefined && (kind === 'cluster' || kind === 'cap') && scene.random.chance(92))
        args[i] = u64(cluster);
  }

  /** Mostly whoever owns the first object that has an owner. */
  #sender(scene: Scene, { parts }: Action, args: readonly Argument[]): string {
    const random = this.#random;
    const owner: Partial<Record<Kind, number>> = { position: 2, pass: 3, policy: 2, session: 11, grant: 11 };
    for (const [i, { kind }] of parts.entries()) {
      const field = kind === null ? undefined : owner[kind];
      if (kind === null || field === undefined || scene.random.chance(8)) continue;
      const object = scene.objects(kind)[Number(args[i]?.value)];
      if (object !== undefined) return object[field] as string;
    }
    return random.pick(PEOPLE);
  }
}
