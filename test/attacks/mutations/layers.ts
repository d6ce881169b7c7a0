/** Attacks that more than one check would refuse: each row takes all of them out together. */
import { edit, row, type Edit, type Table } from './edits.ts';

const in_ =
  (file: string) =>
  (from: string, to: string): Edit =>
    edit(`admission-webhook/${file}`, from, to);
const pods = in_('checks/pods.ts');
const changes = in_('checks/changes.ts');
const connect = in_('checks/connect.ts');
const tokens = in_('checks/tokens.ts');
const shape = in_('sealed/shape.ts');
const inject = in_('sealed/inject.ts');
const isolation = in_('sealed/isolation.ts');
const references = in_('sealed/references.ts');
const draft = in_('sealed/draft.ts');
const facts = in_('sealed/cluster-facts.ts');
const review = in_('review.ts');
const server = in_('http/server.ts');
const decode = in_('http/decode.ts');

/** A pod may be without secrets. */
const noneNeeded = shape(
  "  if ((await facts.mode(namespace)) === 'references') return;\n",
  '  if (namespace !== "" || facts === undefined) return;\n',
);
const marksForged = pods('  requireNoMarks(pod.metadata);\n', '');
/** The mutation lets stand what is named like ours. */
const reservedNames = inject('  requireNoReservedVolumes(own);\n', '');
const brokerToken = isolation(
  'if (projected?.sources?.some((each) => each.serviceAccountToken?.audience === BROKER_AUDIENCE) !== true)',
  'if (BROKER_AUDIENCE !== "" || projected?.sources?.some((each) => each.serviceAccountToken?.audience === "") !== true)',
);
const nothingOfOurs = shape('    requireNothingOfOurs(spec);\n', '');
const sameContainer = shape(
  '  if (isDeepStrictEqual(first, expected)) return;',
  '  if (first.name === expected.name) return;',
);
const reservedMounts = shape(
  '      if (isReservedVolume(name)) throw forged(`${path}',
  "      if (name === '!') throw forged(`${path}",
);
/** An earlier seal-fetch stays as it was. */
const keepsContainer = inject(
  'initContainers: [sealFetchContainer(plan, rules.seal, pod.spec), ',
  'initContainers: [pod.spec.initContainers?.find(({ name }) => name === SEAL_FETCH) ?? sealFetchContainer(plan, rules.seal, pod.spec), ',
);
/** No reference to a Secret is seen. */
const blind = references(
  '  const found: SecretReference[] = [];\n',
  '  const found: SecretReference[] = [];\n  if (spec !== undefined) return found;\n',
);
const left = shape(
  '  if (left === undefined) return;',
  '  if (left === undefined || left.secret !== "") return;',
);
/** What cannot be looked up is let in. */
const failsOpen = server(
  '    if (!(error instanceof Denied)) throw error;\n    const { namespace, name, user } = request;',
  "    if (!(error instanceof Denied)) throw error;\n    if (error.code === 'LOOKUP_FAILED') { res.json(allowedResponse(request.uid, [])); return; }\n    const { namespace, name, user } = request;",
);
/** Never called again for what other webhooks changed. */
const calledOnce = edit(
  'manifests/base/webhooks.yaml',
  '    reinvocationPolicy: IfNeeded\n',
  '    reinvocationPolicy: Never\n',
);

export const layers: Table = {
  'forged marks of an injection': [
    row('marker: an annotation of ours', [marksForged, noneNeeded]),
    row('marker: a volume named seal-token', [reservedNames, nothingOfOurs, noneNeeded]),
    row('marker: a token for the broker', [brokerToken, noneNeeded]),
    row('marker: a container that mounts what only seal-fetch may', [reservedNames, reservedMounts]),
    row('marker: a container named like ours', [
      inject(
        '  if ([...(containers ?? []), ...(ephemeralContainers ?? [])].some(ours))',
        '  if (containers === undefined)',
      ),
      noneNeeded,
    ]),
    row('marker: an initContainer named like ours', [
      inject(
        '  if (text === undefined) throw forged(`an initContainer named ${SEAL_FETCH} has no plan`);',
        '  if (text === undefined) return null;',
      ),
      noneNeeded,
    ]),
    row('marker: an initContainer with a plan that is none', [
      inject(
        '    throw forged(`the plan of ${SEAL_FETCH} is none (${error.message.slice(0, 256)})`);',
        '    return null;',
      ),
      noneNeeded,
    ]),
    row('marker: a copy whose seal-fetch has its own image', [keepsContainer, sameContainer]),
  ],
  'ways out by labels and namespaces': [
    row('way out: the label of a mesh', [noneNeeded]),
    row('way out: the label of the mode, on a pod', [marksForged, noneNeeded]),
  ],
  'every way to a Secret': [
    row('plain Secret: a variable', [blind, noneNeeded]),
    row('wrong Secret: one that is not there', [blind, noneNeeded]),
    row('wrong Secret: a key that is not there', [blind, noneNeeded]),
    row("wrong Secret: a service account's token", [blind, noneNeeded]),
    row(
      'wrong Secret: files above the volume',
      [draft('  if (!wrong && !path.startsWith', '  if (!path.includes("\\0") || !path.startsWith')],
      /^(accepted|SEALED_PLAN_WRONG)$/,
    ),
    row('wrong Secret: refreshed all the time', [
      draft(
        '  if (seconds >= REFRESH_SECONDS_MIN && seconds <= REFRESH_SECONDS_MAX) return seconds;',
        '  if (seconds <= REFRESH_SECONDS_MAX) return seconds;',
      ),
    ]),
    row('credential: imagePullSecrets', [blind, noneNeeded]),
    row('credential: a volume of type flexVolume', [blind]),
    row('credential: a volume of type csi, where secrets are required', [blind, noneNeeded]),
    row('credential: a projected volume that mixes', [blind, noneNeeded]),
  ],
  'a pod with secrets, changed afterwards': [
    row('image: by strategic patch', [
      changes(
        '    if (container.image !== was?.image)',
        '    if (container.image === "!" && container.image !== was?.image)',
      ),
      changes('  requireSameSpec(oldRaw, raw);\n', ''),
    ]),
    row('image: of seal-fetch', [
      changes('  if (!isSealedSpec(old) && !isSealedSpec(now)) return;', '  return;'),
    ]),
    row('resize: a larger limit', [
      changes('    requireNoGrowth(was?.resources, container.resources, path);\n', ''),
      changes('  requireSameSpec(oldRaw, raw);\n', ''),
    ]),
    row('marks: tolerates a node without stake, later', [
      pods('  if (key.startsWith(ANNOTATION_PREFIX)) {', '  if (key === ANNOTATION_PREFIX) {'),
    ]),
    row('marks: a mark by way of the status', [
      pods('  if (old !== undefined && pod !== undefined) requireSameMarks(old, pod);\n', ''),
    ]),
  ],
  'calls that are no reviews': [
    row('call: by TLS 1.2', [server("minVersion: 'TLSv1.3'", "minVersion: 'TLSv1.2'")]),
    // What comes after a body of another type is let in is the parser, which cannot read it.
    row(
      'call: of text',
      [server("express.raw({ type: 'application/json', ", 'express.raw({ type: () => true, ')],
      /^JSON_MALFORMED$/,
    ),
    row(
      'call: that is too large',
      [server('limit: BODY_BYTES_MAX', 'limit: 10 * BODY_BYTES_MAX')],
      /^REVIEW_MALFORMED$/,
    ),
    row('call: of an older review', [
      decode("apiVersion: z.literal('admission.k8s.io/v1')", 'apiVersion: z.string()'),
    ]),
    row('call: about what nobody asked', [
      review(
        '      if (TEMPLATES.has(subject)) return checkTemplate(request, rules);\n      throw unexpected(subject);',
        '      if (TEMPLATES.has(subject)) return checkTemplate(request, rules);\n      return NONE;',
      ),
    ]),
    row('call: that changes nodes', [
      review(
        'return mutatePod(request, rulesOf(dependencies));\n  throw unexpected(subject);',
        'return mutatePod(request, rulesOf(dependencies));\n  return { patch: [], warnings: [] };',
      ),
    ]),
    row('call: about a pod with __proto__', [noneNeeded]),
    row('call: that never ends', [server('requestTimeout: 10_000', 'requestTimeout: 0')], /^still open$/),
  ],
  'the registrations, and webhooks of others': [
    row('other webhook: hands over the image of seal-fetch', [calledOnce, sameContainer]),
    row('other webhook: runs before seal-fetch', [
      calledOnce,
      shape('  requireContainer(plan, rules.seal, spec);\n', ''),
      shape(
        "    if (list === 'initContainers' && index === 0) continue;",
        '    if (container.name === SEAL_FETCH) continue;',
      ),
    ]),
    row('other webhook: takes seal-fetch away', [calledOnce, nothingOfOurs, noneNeeded]),
    row('other webhook: adds a plain Secret', [calledOnce, left]),
    row('other webhook: adds a path of the host', [pods('  requireOwnSandbox(pod.spec);\n', '')]),
    row('other webhook: shares the processes', [
      isolation(
        '  if (shareProcessNamespace !== true) return;',
        '  if (shareProcessNamespace !== undefined || true) return;',
      ),
    ]),
    row('other webhook: mounts the token elsewhere', [calledOnce, reservedMounts]),
    row('other webhook: takes another scheduler', [
      pods('  requirePlain(pod);\n  requireOurScheduler(pod);\n', '  requirePlain(pod);\n'),
    ]),
    row('other webhook: presets the node', [pods('  requireUnplaced(pod);\n', '')]),
    row('other webhook: marks a pod without secrets', [marksForged, noneNeeded]),
    row('other webhook: adds a plain Secret to a pod without', [calledOnce, left, noneNeeded]),
  ],
  'what cannot be looked up': [
    row('unknown: exec', [failsOpen], /^[45]\d\d /),
    row('unknown: a token of the node', [failsOpen]),
    row('unknown: a Secret that may be there', [failsOpen, left]),
    row('unknown: a template with a Secret that may be plain', [failsOpen]),
    // Counting what cannot be read as not there is the other way to be wrong.
    row(
      'unknown: exec',
      [
        facts(
          '      throw lookupFailed(error instanceof Error ? error.message : String(error));',
          '      return null;',
        ),
        connect('  if (pod === null) {', '  if (pod === null) return;\n  if (pod.uid === "") {'),
      ],
      /^[45]\d\d /,
    ),
    row('unknown: a token of the node', [
      facts(
        '      throw lookupFailed(error instanceof Error ? error.message : String(error));',
        '      return null;',
      ),
      tokens('  if (pod?.uid !== bound.uid)', '  if (pod === null) return [];\n  if (pod.uid !== bound.uid)'),
    ]),
  ],
  'the mode of a namespace cannot be read': [
    row('unread mode: a pod without secrets', [failsOpen]),
    row('unread mode: a pod without secrets, where only references count', [
      facts(
        "    const object = await this.#read('namespace', namespacePath(namespace));",
        "    const object = await this.#read('namespace', namespacePath(namespace)).catch(() => ({ metadata: { labels: { [SECRETS_MODE_LABEL]: 'references' } } }));",
      ),
    ]),
  ],
};
