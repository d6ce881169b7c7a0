/** Checks of bindings, receipts, mirror pods and nodes. */
import { edit, row, type Edit, type Mutation, type Table } from './edits.ts';

const bindings = (from: string, to: string): Edit => edit('admission-webhook/checks/bindings.ts', from, to);
const nodes = (from: string, to: string): Edit => edit('admission-webhook/checks/nodes.ts', from, to);
const pods = (from: string, to: string): Edit => edit('admission-webhook/checks/pods.ts', from, to);
const shape = (from: string, to: string): Edit => edit('admission-webhook/sealed/shape.ts', from, to);

/** The pod that they all bind is bound once: after that the API server, asked last, says that it is. */
const binds = (attack: string, ...edits: readonly Edit[]): Mutation =>
  row(`binding: ${attack}`, edits, /^(accepted|409 Conflict)$/);
const never = (condition: string): [from: string, to: string] => [
  `  if (${condition}) {`,
  `  if (false && (${condition})) {`,
];
/** Nodes marked by others than the controller. */
const marks = 'if (request.user.name !== CONTROLLER_USER) throw marksChanged(request, changed);';

export const placement: Table = {
  'past the scheduler and the enclave': [
    row('placement: tolerates a node without stake', [
      pods('  if (key.startsWith(ANNOTATION_PREFIX)) {', '  if (key === ANNOTATION_PREFIX) {'),
    ]),
    row('mirror: by the node', [
      pods('  requireNoMirror(pod.metadata);\n  requireUnplaced(pod);\n', ''),
      shape(
        "  if ((await facts.mode(namespace)) === 'references') return;\n",
        '  if (namespace !== "" || facts === undefined) return;\n',
      ),
    ]),
    binds('by a tenant', bindings('  requireEnclave(request);\n', '')),
    binds(
      'by the legacy resource',
      edit('admission-webhook/review.ts', '      return refuseLegacyBinding();', '      return NONE;'),
    ),
    // Without an annotation there is neither a receipt to read nor a session to compare it with.
    binds(
      'without a receipt',
      bindings(
        '  const receipt = requireShape(binding);\n',
        '  if (binding.metadata.annotations === undefined) return;\n  const receipt = requireShape(binding);\n',
      ),
    ),
    binds('with the receipt of another pod', bindings(...never('!samePod'))),
    binds(
      'to another node',
      bindings(
        ...never("decision.node !== target.name || (target.uid !== '' && target.uid !== decision.nodeUid)"),
      ),
    ),
    binds('with a receipt of another cluster', bindings(...never('decision.cluster !== cluster.id'))),
    binds(
      'with a receipt of another session',
      bindings(
        ...never('decision.session !== session.id || decision.configVersion !== session.configVersion'),
      ),
    ),
    binds('with a receipt of an earlier term', bindings(...never('decision.term !== cluster.active.term'))),
    binds('with a receipt that has expired', bindings(...never('now > payload.notAfterMs'))),
    binds('with a receipt that lives long', bindings(' || lifetime > BigInt(receiptLifetimeMs) || ', ' || ')),
    binds("with a stranger's receipt", bindings('  requireSignature(session, receipt);\n', '')),
    binds("with another node's stake", bindings(...never('stake.id !== decision.stake'))),
    binds('of a revoked session', bindings(...never('session.revoked'))),
    binds('to a node whose stake is gone', bindings('  requireStake(snapshot, message.payload);\n', '')),
    binds('to a node without a claim', bindings('  requireStake(snapshot, message.payload);\n', '')),
    binds(
      'while the chain is silent',
      edit(
        'admission-webhook/snapshot.ts',
        '  if (Math.abs(ageMs) > stakeSnapshotAgeMsMax) {',
        '  if (ageMs === 0.5) {',
      ),
    ),
    row('node: writes its own stake', [nodes(marks, '')]),
    row('node: writes its own stake by its status', [
      nodes('  if (changed.length > 0) throw marksChanged(request, changed);\n', ''),
    ]),
    row('node: takes an owner, to be deleted and come back', [
      nodes(
        '  requireStillUnowned(old, node);\n  const changed = [...changedMarks',
        '  const changed = [...changedMarks',
      ),
    ]),
    row('node: registers without a claim', [nodes('    requireEligible(freshSnapshot(rules), name);\n', '')]),
  ],
};
