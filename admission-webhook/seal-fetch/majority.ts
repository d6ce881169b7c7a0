import { canonicalJson } from '@k3s-daas/core';
import { ChainError, type Chain } from '@k3s-daas/sui-client';

import { FetchError } from './errors.ts';
import { isPassing, oneLine } from './retry.ts';

/** The plan's full nodes, and where to tell of those that are not followed. */
export interface FullNodes {
  readonly nodes: readonly Chain[];
  readonly log: { info(message: string): void };
}

export interface Agreed<T> {
  readonly value: T;
  /** Those who had said so by then. */
  readonly nodes: readonly Chain[];
}

type Vote<T> =
  | { readonly kind: 'answer'; readonly node: Chain; readonly value: T; readonly text: string }
  | { readonly kind: 'failure'; readonly node: Chain; readonly error: unknown };

/**
 * What more than half of the full nodes say alike, as soon as they do: of three, one that is down, silent or lying neither
 * decides anything nor stops anybody. One of two can stop the pod, and no more.
 * @throws FetchError CHAIN_DISAGREES; what `read` throws, if too few answer
 */
export function agreed<T extends object>(
  { nodes, log }: FullNodes,
  what: string,
  read: (node: Chain) => Promise<T>,
): Promise<Agreed<T>> {
  const votes: Vote<T>[] = [];
  let followed: string | null = null;
  let told = 0;
  const { promise, resolve, reject } = Promise.withResolvers<Agreed<T>>();
  const cast = (vote: Vote<T>): void => {
    votes.push(vote);
    if (followed === null) {
      const most = votes.map((each) => alike(votes, each)).find(({ length }) => length * 2 > nodes.length);
      if (most?.[0] !== undefined) {
        followed = most[0].text;
        resolve({ value: most[0].value, nodes: most.map(({ node }) => node) });
      } else if (votes.length === nodes.length) reject(whyNot(votes, what));
    }
    if (followed === null) return;
    for (; told < votes.length; told += 1) tellOfStray(votes[told], followed, what, log);
  };
  if (nodes.length === 0) reject(new ChainError('CHAIN_UNREACHABLE', 'no full node is named'));
  for (const node of nodes)
    void read(node)
      .then((value): Vote<T> => ({ kind: 'answer', node, value, text: canonicalJson(value) }))
      .catch((error: unknown): Vote<T> => ({ kind: 'failure', node, error }))
      .then(cast);
  return promise;
}

/** The answers that are the same as this one; none if it is no answer. */
function alike<T>(votes: readonly Vote<T>[], one: Vote<T>): (Vote<T> & { kind: 'answer' })[] {
  return votes.filter(
    (each) => each.kind === 'answer' && one.kind === 'answer' && each.text === one.text,
  ) as (Vote<T> & { kind: 'answer' })[];
}

function tellOfStray<T>(
  vote: Vote<T> | undefined,
  followed: string,
  what: string,
  log: FullNodes['log'],
): void {
  if (vote === undefined || (vote.kind === 'answer' && vote.text === followed)) return;
  const why = vote.kind === 'answer' ? `it says otherwise of ${what}` : oneLine(vote.error);
  log.info(`full node ${vote.node.url} is not followed: ${why}`);
}

/** Too few have answered, or those who have contradict each other. */
function whyNot<T>(votes: readonly Vote<T>[], what: string): unknown {
  const answers = votes.filter(({ kind }) => kind === 'answer');
  const errors = votes.flatMap((vote) => (vote.kind === 'failure' ? [vote.error] : []));
  if (answers.length * 2 <= votes.length) return worthiest(errors);
  const [one, other] = answers.map(({ node }) => node.url);
  return new FetchError('CHAIN_DISAGREES', `${one ?? ''} and ${other ?? ''} do not say the same of ${what}`);
}

/**
 * Does something by one node after the other, until one of them lets it be done: each has said what most say, and may yet
 * withhold or invent what is asked of itself alone.
 * @throws the failure that is most worth another attempt
 */
export async function byAnyOf<R>(
  nodes: readonly Chain[],
  signal: AbortSignal,
  run: (node: Chain) => Promise<R>,
): Promise<R> {
  const errors: unknown[] = [];
  for (const node of nodes) {
    try {
      return await run(node);
    } catch (error) {
      if (signal.aborted) throw error;
      errors.push(error);
    }
  }
  throw worthiest(errors);
}

/** One node by which it looks hopeless does not end what may be done by another. */
function worthiest(errors: readonly unknown[]): unknown {
  return errors.find(isPassing) ?? errors[0];
}
