import {
  describeIneligibility,
  nodeEligibility,
  type ChainSnapshot,
  type ChainView,
  type Clock,
} from '@k3s-daas/core';
import type { KubeConfig } from '@kubernetes/client-node';
import type { Logger } from 'pino';
import { Counter, Gauge, Registry } from 'prom-client';

import { EXEMPT_NAMESPACES } from '../config.ts';
import { Denied } from '../denied.ts';
import { freshSnapshot } from '../snapshot.ts';
import { clusterApi, type ClusterApi } from './cluster-api.ts';
import { nodePatch, stakeState, toleratesUnstaked, type NodeView } from './node-state.ts';

export interface StakeWatchConfig {
  readonly stakeSnapshotAgeMsMax: number;
  /** Left alone: they need no stake. */
  readonly controlPlaneNodes?: readonly string[];
  /** Pods of these namespaces are not deleted: their DaemonSets would only make them again. */
  readonly exemptNamespaces?: readonly string[];
  /** Every node is looked at again after this long, whatever was or was not heard; 30,000 unless given. */
  readonly resyncMs?: number;
}

export interface StakeWatchOptions {
  /** Of the user k3s-daas:controller. */
  readonly kubeConfig: KubeConfig;
  readonly chain: ChainView;
  readonly clock: Clock;
  readonly config: StakeWatchConfig;
  readonly log: Logger;
  readonly registry?: Registry;
}

/** `stale`: nothing was done, since the snapshot is missing or too old. `failed`: some node or call failed. */
export type RoundResult = 'done' | 'stale' | 'failed';

export interface StakeWatch {
  /** Starts a round now, or right after the running one; resolves when that round is over. */
  reconcile(): Promise<RoundResult>;
  close(): Promise<void>;
}

const RETRY_MS_MIN = 500;
const CONFLICTS_MAX = 5;
const PARALLEL = 8;

/**
 * Keeps the taint `k3s-daas.io/unstaked` and the annotation `k3s-daas.io/stake-state` of every node as the chain says.
 *
 * Each round lists the nodes afresh: on a change of the snapshot, on the resync timer, and soon after a failure. So
 * there is no watch that can end unheard, and a restarted API server is simply asked again. On a stale snapshot it
 * does nothing: neither is a node freed on old news, nor is the whole cluster tainted because an RPC endpoint is gone.
 */
export function startStakeWatch(options: StakeWatchOptions): StakeWatch {
  return runRounds(new Reconciler(options, clusterApi(options.kubeConfig)), options);
}

/** Runs rounds one at a time: on demand, on changes of the chain, and on a timer that is short after a failure. */
function runRounds(reconciler: Reconciler, { chain, config }: StakeWatchOptions): StakeWatch {
  const resyncMs = config.resyncMs ?? 30_000;
  let running: Promise<RoundResult> | undefined;
  let queued: Promise<RoundResult> | undefined;
  let timer: NodeJS.Timeout | undefined;
  let retryMs = RETRY_MS_MIN;
  let closed = false;

  const round = async (): Promise<RoundResult> => {
    clearTimeout(timer);
    const result = await reconciler.round();
    retryMs = result === 'failed' ? Math.min(retryMs * 2, resyncMs) : RETRY_MS_MIN;
    running = undefined;
    if (!closed) timer = setTimeout(() => void trigger(), result === 'failed' ? retryMs : resyncMs);
    return result;
  };
  const trigger = (): Promise<RoundResult> => {
    if (running === undefined) return (running = round());
    // A change during a round may concern a node it has passed already.
    queued ??= running.then(() => {
      queued = undefined;
      return closed ? 'failed' : trigger();
    });
    return queued;
  };
  const unsubscribe = chain.onChange(() => void trigger());
  void trigger();
  return {
    reconcile: trigger,
    async close() {
      closed = true;
      unsubscribe();
      reconciler.stop();
      await (queued ?? running);
      clearTimeout(timer);
    },
  };
}

class Reconciler {
  readonly #options: StakeWatchOptions;
  readonly #api: ClusterApi;
  readonly #exempt: ReadonlySet<string>;
  readonly #controlPlane: ReadonlySet<string>;
  readonly #nodes: Gauge<'state'>;
  readonly #rounds: Counter<'result'>;
  #stopped = false;

  constructor(options: StakeWatchOptions, api: ClusterApi) {
    this.#options = options;
    this.#api = api;
    this.#exempt = new Set(options.config.exemptNamespaces ?? EXEMPT_NAMESPACES);
    this.#controlPlane = new Set(options.config.controlPlaneNodes);
    const registers = [options.registry ?? new Registry()];
    this.#nodes = new Gauge({
      name: 'daas_stake_watch_nodes',
      help: 'Nodes by stake state in the last complete round, control plane left out.',
      labelNames: ['state'],
      registers,
    });
    this.#rounds = new Counter({
      name: 'daas_stake_watch_rounds_total',
      help: 'Rounds over all nodes by result (done, stale, failed).',
      labelNames: ['result'],
      registers,
    });
  }

  stop(): void {
    this.#stopped = true;
  }

  /** Never throws: what failed is logged, counted, and tried again. */
  async round(): Promise<RoundResult> {
    let result: RoundResult;
    try {
      result = await this.#round();
    } catch (err) {
      this.#options.log.warn({ err }, 'the round over the nodes broke off');
      result = 'failed';
    }
    this.#rounds.inc({ result });
    return result;
  }

  async #round(): Promise<RoundResult> {
    const snapshot = this.#snapshot();
    if (snapshot === null) return 'stale';
    const states = new Map<string, number>();
    let failures = 0;
    for await (const page of this.#api.nodes()) {
      const nodes = page.filter(({ name }) => !this.#controlPlane.has(name));
      for (let i = 0; i < nodes.length && !this.#stopped; i += PARALLEL) {
        const settling = nodes.slice(i, i + PARALLEL).map((node) => this.#settle(node, snapshot));
        for (const outcome of await Promise.allSettled(settling)) {
          if (outcome.status === 'fulfilled') states.set(outcome.value, (states.get(outcome.value) ?? 0) + 1);
          else {
            failures++;
            const err: unknown = outcome.reason;
            this.#options.log.warn({ err }, 'node could not be brought to its stake state');
          }
        }
      }
    }
    if (failures > 0 || this.#stopped) return 'failed';
    this.#nodes.reset();
    for (const [state, count] of states) this.#nodes.set({ state }, count);
    return 'done';
  }

  #snapshot(): ChainSnapshot | null {
    const { chain, clock, config, log } = this.#options;
    try {
      return freshSnapshot({ chain, clock, stakeSnapshotAgeMsMax: config.stakeSnapshotAgeMsMax });
    } catch (error) {
      if (!(error instanceof Denied)) throw error;
      log.warn({ code: error.code, reason: error.message }, 'taints stay as they are');
      return null;
    }
  }

  /** Brings one node to the state the chain gives it; resolves with that state. */
  async #settle(seen: NodeView, snapshot: ChainSnapshot): Promise<string> {
    const eligibility = nodeEligibility(snapshot, seen.name);
    let node: NodeView | null = seen;
    for (let conflicts = 0; node !== null; conflicts++) {
      const patch = nodePatch(node, eligibility, new Date(this.#options.clock.now()));
      if (patch === null) break;
      const outcome = await this.#api.patchNode(node.name, patch);
      if (outcome === 'done') {
        await this.#tell(node, snapshot);
        break;
      }
      if (outcome === 'gone') return 'GONE';
      if (conflicts === CONFLICTS_MAX)
        throw new Error(`node ${node.name} changed ${CONFLICTS_MAX} times under our hands`);
      node = await this.#api.node(node.name);
    }
    if (node !== null && !eligibility.eligible) await this.#removeTolerating(node.name);
    return stakeState(eligibility);
  }

  async #tell(node: NodeView, snapshot: ChainSnapshot): Promise<void> {
    const { log } = this.#options;
    const eligibility = nodeEligibility(snapshot, node.name);
    const state = stakeState(eligibility);
    log.info({ node: node.name, was: node.stakeState, state }, 'stake state of node changed');
    // A node that is eligible from the start is no news.
    if (eligibility.eligible && node.stakeState === undefined) return;
    try {
      await this.#api.event(
        node,
        eligibility.eligible
          ? {
              type: 'Normal',
              reason: 'StakeLive',
              message: `stake ${eligibility.stake.id} stands behind the node`,
            }
          : {
              type: 'Warning',
              reason: 'StakeGone',
              message: describeIneligibility(node.name, eligibility.reason),
            },
      );
    } catch (err) {
      log.warn({ err, node: node.name }, 'event could not be written');
    }
  }

  /** The taint manager evicts everything else; these would stay. */
  async #removeTolerating(node: string): Promise<void> {
    for (const pod of await this.#api.podsOn(node)) {
      if (pod.deleting || this.#exempt.has(pod.namespace) || !toleratesUnstaked(pod.tolerations)) continue;
      this.#options.log.info(
        { node, namespace: pod.namespace, pod: pod.name },
        'deleting pod that tolerates the taint',
      );
      await this.#api.deletePod(pod);
    }
  }
}
