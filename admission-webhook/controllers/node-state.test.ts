import fc from 'fast-check';
import t from 'tap';

import { nodeEligibility, type ChainSnapshot, type Eligibility } from '@k3s-daas/core';

import { healthy, MemoryChain, stake, STAKE_1 } from '../test/world.ts';
import {
  isTainted,
  nodePatch,
  stakeState,
  toleratesUnstaked,
  type NodePatch,
  type NodeView,
  type Taint,
} from './node-state.ts';

const NOW = new Date('2026-11-21T10:20:30.456Z');
const foreign: Taint = { key: 'gpu', value: 'x', effect: 'NoSchedule' };
const ours: readonly Taint[] = [
  { key: 'k3s-daas.io/unstaked', effect: 'NoSchedule', timeAdded: '2026-11-21T10:20:30Z' },
  { key: 'k3s-daas.io/unstaked', effect: 'NoExecute', timeAdded: '2026-11-21T10:20:30Z' },
];

function snapshotOf(state = healthy): ChainSnapshot {
  const chain = new MemoryChain();
  chain.set(state, NOW.getTime());
  const snapshot = chain.current();
  if (snapshot === null) throw new Error('no snapshot');
  return snapshot;
}

const eligible = nodeEligibility(snapshotOf(), 'n1');
const slashed = nodeEligibility(snapshotOf({ ...healthy, stakes: [stake(STAKE_1, { active: 1n })] }), 'n1');
const unclaimed = nodeEligibility(snapshotOf(), 'n9');

const view = (taints: readonly Taint[], state?: string): NodeView => ({
  name: 'n1',
  uid: 'u',
  resourceVersion: '7',
  taints,
  stakeState: state,
});
const patchTo = (state: string, taints: readonly Taint[] | null): NodePatch => ({
  metadata: { resourceVersion: '7', annotations: { 'k3s-daas.io/stake-state': state } },
  spec: { taints },
});

void t.test('the change a node needs', (t) => {
  const cases: readonly (readonly [string, NodeView, Eligibility, NodePatch | null])[] = [
    ['new and staked', view([]), eligible, patchTo('ELIGIBLE', null)],
    ['settled and staked', view([], 'ELIGIBLE'), eligible, null],
    ['settled with a taint of another', view([foreign], 'ELIGIBLE'), eligible, null],
    ['new and not claimed', view([]), unclaimed, patchTo('NODE_NOT_CLAIMED', ours)],
    ['slashed', view([foreign], 'ELIGIBLE'), slashed, patchTo('STAKE_TOO_SMALL', [foreign, ...ours])],
    ['settled and slashed', view([...ours, foreign], 'STAKE_TOO_SMALL'), slashed, null],
    [
      'slashed for another reason: time of the taint stays',
      view(ours, 'NODE_JAILED'),
      slashed,
      patchTo('STAKE_TOO_SMALL', ours),
    ],
    [
      'half of the taint',
      view(ours.slice(0, 1), 'STAKE_TOO_SMALL'),
      slashed,
      patchTo('STAKE_TOO_SMALL', ours),
    ],
    ['staked again', view([foreign, ...ours], 'STAKE_TOO_SMALL'), eligible, patchTo('ELIGIBLE', [foreign])],
    ['staked again, taint alone', view(ours, 'STAKE_TOO_SMALL'), eligible, patchTo('ELIGIBLE', null)],
    ['annotation lost', view([]), eligible, patchTo('ELIGIBLE', null)],
    [
      'an odd effect of our key goes too',
      view([{ key: 'k3s-daas.io/unstaked', effect: 'PreferNoSchedule' }], 'ELIGIBLE'),
      eligible,
      patchTo('ELIGIBLE', null),
    ],
  ];
  for (const [name, node, eligibility, expected] of cases)
    t.same(nodePatch(node, eligibility, NOW), expected, name);
  t.end();
});

void t.test('one patch settles any node, and foreign taints stay', (t) => {
  const taint = fc.record({
    key: fc.constantFrom('k3s-daas.io/unstaked', 'gpu', 'node.kubernetes.io/not-ready'),
    effect: fc.constantFrom('NoSchedule', 'NoExecute', 'PreferNoSchedule'),
  });
  const node = fc.record({
    taints: fc.uniqueArray(taint, { selector: ({ key, effect }) => `${key}:${effect}` }),
    state: fc.constantFrom(undefined, 'ELIGIBLE', 'STAKE_TOO_SMALL', 'nonsense'),
  });
  const property = fc.property(
    node,
    fc.constantFrom(eligible, slashed, unclaimed),
    ({ taints, state }, eligibility) => {
      const before = view(taints, state);
      const patch = nodePatch(before, eligibility, NOW);
      const after =
        patch === null
          ? before
          : view(patch.spec.taints ?? [], patch.metadata.annotations['k3s-daas.io/stake-state']);
      const foreignOf = (list: readonly Taint[]): string =>
        JSON.stringify(list.filter(({ key }) => !key.startsWith('k3s-daas.io/')));
      return (
        nodePatch(after, eligibility, NOW) === null &&
        isTainted(after) === !eligibility.eligible &&
        after.stakeState === stakeState(eligibility) &&
        foreignOf(after.taints) === foreignOf(before.taints)
      );
    },
  );
  fc.assert(property, { seed: 20261121 });
  t.pass('seed 20261121');
  t.end();
});

void t.test('pods that the taint manager leaves alone', (t) => {
  const cases: readonly (readonly [string, Parameters<typeof toleratesUnstaked>[0], boolean])[] = [
    ['none', [], false],
    ['everything', [{ operator: 'Exists' }], true],
    ['every NoExecute', [{ operator: 'Exists', effect: 'NoExecute' }], true],
    ['every NoSchedule', [{ operator: 'Exists', effect: 'NoSchedule' }], false],
    ['ours', [{ key: 'k3s-daas.io/unstaked', operator: 'Exists' }], true],
    ['ours, to schedule', [{ key: 'k3s-daas.io/unstaked', operator: 'Exists', effect: 'NoSchedule' }], false],
    [
      'another key',
      [{ key: 'node.kubernetes.io/not-ready', operator: 'Exists', effect: 'NoExecute' }],
      false,
    ],
  ];
  for (const [name, tolerations, expected] of cases) t.equal(toleratesUnstaked(tolerations), expected, name);
  t.end();
});
