import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { fileURLToPath } from 'node:url';

import type { Attack, Family } from '../sealed/cases.ts';
import { stateOf } from '../sealed/state.ts';
import { MANIFESTS as BASE, type SealedWorld } from '../sealed/world.ts';
import { edited, MANIFESTS, type Edit, type Mutation } from './edits.ts';

const LOADER = import.meta.resolve('./load.ts');
const WEBHOOK = fileURLToPath(import.meta.resolve('./webhook.ts'));
/** The API server hears of a changed registration within a second; of a policy, within some. */
const FORCE_MS_MAX = 30_000;
/** Attacks that leave nothing behind when they pass: dry runs, and what only asks. */
const ASKS =
  /^(connect|node proxy|call|token|way out: a dry run|marker: a copy|other webhook: (hands|runs)|(unknown|down): (exec|a token))/;

/** The attacks of one family, while checks are taken out. */
export class FamilyRun {
  /** Those that passed at least once. */
  readonly passed = new Set<Attack>();
  readonly #world: SealedWorld;
  readonly #family: Family;
  readonly #attacks: readonly Attack[];
  /** Since what is refused changes nothing, asked for anew only when something has passed. */
  #state: unknown;

  constructor(world: SealedWorld, family: Family, attacks: readonly Attack[]) {
    this.#world = world;
    this.#family = family;
    this.#attacks = attacks;
  }

  /** @returns whether the attack of the row passed; others with the same refusal are tried beside it. */
  async takeOut(mutation: Mutation): Promise<boolean> {
    const { edits, opened } = mutation;
    const attack = this.#attacks.find(({ name }) => name === mutation.attack);
    if (attack === undefined) throw new Error(`there is no attack ${mutation.attack}`);
    const isManifest = ({ file }: Edit): boolean => file.startsWith(MANIFESTS);
    const [manifests, sources] = [edits.filter(isManifest), edits.filter((edit) => !isManifest(edit))];
    const child = sources.length === 0 ? null : await this.#swapWebhook(sources);
    let verdict: string;
    this.#state = await stateOf(this.#world);
    try {
      if (manifests.length > 0) await this.#world.apply(this.#brokenBase(manifests));
      verdict = await this.#attempt(attack, opened, manifests.length > 0 ? FORCE_MS_MAX : 0);
      if (this.passed.has(attack)) await this.#others(attack, opened);
    } finally {
      if (child !== null) await this.#swapBack(child);
      if (manifests.length > 0) await this.#world.apply();
      await this.#mend(attack, manifests.length > 0);
    }
    const met = this.passed.has(attack) && verdict !== attack.expected;
    const files = [...new Set(edits.map(({ file }) => file))].join(', ');
    console.log(`${met ? 'ok    ' : 'NOT OK'} ${attack.name}: ${attack.expected} → ${verdict} (${files})`);
    return met;
  }

  /** The attack, until it passes or the time is up. */
  async #attempt(attack: Attack, opened: RegExp | undefined, msMax: number): Promise<string> {
    const deadline = performance.now() + msMax;
    for (;;) {
      const verdict = await this.#verdict(attack);
      if (verdict !== attack.expected || performance.now() > deadline) {
        if (!(opened ?? /^accepted$/).test(verdict)) return verdict;
        const didNothing =
          opened === undefined &&
          !ASKS.test(attack.name) &&
          isDeepStrictEqual(this.#state, await stateOf(this.#world));
        if (didNothing) return `${verdict}, and nothing has changed`;
        this.passed.add(attack);
        return verdict;
      }
      await sleep(200);
    }
  }

  async #others(attack: Attack, opened: RegExp | undefined): Promise<void> {
    let changed = true;
    for (const other of this.#attacks) {
      if (other.expected !== attack.expected || this.passed.has(other)) continue;
      if (changed) {
        await this.#family.mend?.(this.#world);
        this.#state = await stateOf(this.#world);
      }
      await this.#attempt(other, opened, 0);
      changed = this.passed.has(other);
    }
  }

  async #verdict(attack: Attack): Promise<string> {
    this.#world.setChain();
    try {
      return await attack.act();
    } catch (error) {
      return error instanceof Error ? error.message.slice(0, 200) : String(error);
    }
  }

  /** What the attack did is undone, and if manifests were changed, until it is refused again. */
  async #mend(attack: Attack, refusedAgain: boolean): Promise<void> {
    const deadline = performance.now() + FORCE_MS_MAX;
    for (;;) {
      this.#world.setChain();
      await this.#family.mend?.(this.#world);
      if (!refusedAgain || (await this.#verdict(attack)) === attack.expected) return;
      if (performance.now() > deadline) throw new Error(`${attack.name} still passes`);
      await sleep(200);
    }
  }

  #brokenBase(edits: readonly Edit[]): string {
    const base = join(this.#world.dir, 'base');
    cpSync(BASE, base, { recursive: true });
    for (const [file, own] of Map.groupBy(edits, (edit) => edit.file)) {
      const path = join(base, file.slice(MANIFESTS.length));
      writeFileSync(path, edited(readFileSync(path, 'utf8'), own));
    }
    return base;
  }

  /** The webhook in a process of its own, with these edits. */
  async #swapWebhook(edits: readonly Edit[]): Promise<ChildProcess> {
    await this.#world.stopWebhook();
    const path = join(this.#world.dir, 'webhook.json');
    writeFileSync(path, JSON.stringify(await this.#world.webhookSetup()), { mode: 0o600 });
    const child = spawn(process.execPath, ['--import', LOADER, WEBHOOK, path], {
      env: { ...process.env, MUTATION: JSON.stringify(edits) },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    await Promise.race([
      once(child.stdout, 'data'),
      once(child, 'close').then(() => {
        throw new Error(
          `the webhook does not start with changes to ${edits.map(({ file }) => file).join(', ')}`,
        );
      }),
    ]);
    return child;
  }

  async #swapBack(child: ChildProcess): Promise<void> {
    const ended = once(child, 'close');
    child.kill('SIGKILL');
    await ended;
    await this.#world.startWebhook();
  }
}
