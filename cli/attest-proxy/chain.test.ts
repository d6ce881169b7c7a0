import t from 'tap';

import { activeSession, type ChainState } from './chain.ts';
import { boot } from './test/world.ts';

const NOW = 1_800_000_000_000;
const AGE_MS_MAX = 60_000;

void t.test('a state of the chain counts for a while, before and after its time', (t) => {
  const { session } = boot();
  const ask = (atMs: number) => {
    const state: ChainState = { active: { session, term: 3n }, atMs };
    return activeSession({ current: () => state }, { now: () => NOW }, AGE_MS_MAX);
  };
  for (const atMs of [NOW, NOW - AGE_MS_MAX, NOW + AGE_MS_MAX]) t.same(ask(atMs), { session, term: 3n });
  // A clock set back by an hour, or a node that dates its checkpoints ahead: either would keep a revoked session in use.
  for (const atMs of [NOW - AGE_MS_MAX - 1, NOW + AGE_MS_MAX + 1, NOW + 3_600_000]) {
    t.throws(() => ask(atMs), { code: 'CHAIN_UNREADABLE' });
  }
  t.end();
});
