/** One check of the webhook each. */
import { edit, row, type Mutation, type Table } from './edits.ts';

const of =
  (file: string) =>
  (attack: string, from: string, to: string, opened?: RegExp): Mutation =>
    row(attack, [edit(file, from, to)], opened);

const pods = of('admission-webhook/checks/pods.ts');
const changes = of('admission-webhook/checks/changes.ts');
const connect = of('admission-webhook/checks/connect.ts');
const templates = of('admission-webhook/checks/templates.ts');
const secrets = of('admission-webhook/checks/secrets.ts');
const bindings = of('admission-webhook/checks/tokens.ts');
const references = of('admission-webhook/sealed/references.ts');
const shape = of('admission-webhook/sealed/shape.ts');
const inject = of('admission-webhook/sealed/inject.ts');
const host = of('admission-webhook/sealed/host.ts');
const isolation = of('admission-webhook/sealed/isolation.ts');
const draft = of('admission-webhook/sealed/draft.ts');
const facts = of('admission-webhook/sealed/cluster-facts.ts');
const decode = of('admission-webhook/http/decode.ts');
const server = of('admission-webhook/http/server.ts');
const values = of('sui/seal/sealed/check.ts');
const whole = of('sui/seal/sealed/secret.ts');
const signature = of('sui/seal/sealed/signature.ts');

export const checks: Table = {
  'forged marks of an injection': [
    shape(
      'marker: no secret at all',
      "  if ((await facts.mode(namespace)) === 'references') return;\n",
      '  if (namespace !== "" || facts === undefined) return;\n',
    ),
    inject(
      'marker: a container named like ours, where only references count',
      '  if ([...(containers ?? []), ...(ephemeralContainers ?? [])].some(ours))',
      '  if ([...(ephemeralContainers ?? [])].some(ours) && containers === undefined)',
    ),
    isolation(
      'marker: a token for the broker beside a sealed secret',
      'if (projected?.sources?.some((each) => each.serviceAccountToken?.audience === BROKER_AUDIENCE) !== true)',
      'if (BROKER_AUDIENCE !== "" || projected?.sources?.some((each) => each.serviceAccountToken?.audience === "") !== true)',
    ),
  ],
  'ways out by labels and namespaces': [
    facts(
      'way out: the namespace default',
      "  return label === 'references' ? 'references' : 'required';",
      "  return label === 'required' ? 'required' : 'references';",
    ),
  ],
  'every way to a Secret': [
    references(
      'credential: imagePullSecrets, where only references count',
      "    if (name !== '') found.push({ path: `spec.imagePullSecrets[${i}]`, secret: name, rewritable: false });",
      "    if (name === '!') found.push({ path: `spec.imagePullSecrets[${i}]`, secret: name, rewritable: false });",
    ),
    references('credential: a volume of type csi', "  ['csi', 'nodePublishSecretRef'],", "  ['csi', null],"),
    draft(
      'wrong Secret: for another service account',
      '  if (secret.serviceAccount === serviceAccount) return;',
      '  if (secret.serviceAccount !== serviceAccount || serviceAccount !== "") return;',
    ),
  ],
  'into a pod with secrets': [
    connect(
      'connect: exec by a tenant',
      '  if (!pod.sealed) return;',
      '  if (!pod.sealed || pod.sealed) return;',
      /^[45]\d\d /,
    ),
    connect(
      'connect: exec into a pod that is not there yet',
      '  if (pod === null) {',
      '  if (pod === null) return;\n  if (pod.uid === "") {',
      /^404 /,
    ),
    connect(
      'node proxy: run',
      '  if (KUBELET_PATHS.test(path)) return;',
      '  if (KUBELET_PATHS.test(path) || path !== "") return;',
      /^[45]\d\d /,
    ),
    pods(
      'ephemeral container: beside secrets',
      '  if (isSealedSpec(old.spec) || isSealedSpec(spec)) {',
      '  if (isSealedSpec(old.spec) && !isSealedSpec(spec)) {',
    ),
    pods('ephemeral container: that is privileged', '  requireOwnSandbox({ ephemeralContainers });\n', ''),
    pods(
      'ephemeral container: with all variables of a Secret',
      '  requireRewritable(secretReferences({ ephemeralContainers }));\n',
      '',
    ),
    host('sandbox: hostPID', '  if (spec.hostPID === true)', '  if (spec.hostPID === false)'),
    host('sandbox: hostIPC', '  if (spec.hostIPC === true)', '  if (spec.hostIPC === false)'),
    host('sandbox: hostNetwork', '  if (spec.hostNetwork === true)', '  if (spec.hostNetwork === false)'),
    host(
      'sandbox: a path of the host',
      "    if (Object.hasOwn(volume, 'hostPath'))",
      "    if (Object.hasOwn(volume, 'hostPaths'))",
    ),
    host(
      'sandbox: a privileged container',
      '  if (securityContext.privileged === true)',
      '  if (securityContext.privileged === false)',
    ),
    host(
      "sandbox: the kernel's own files",
      "  if ((securityContext.procMount ?? 'Default') !== 'Default')",
      "  if ((securityContext.procMount ?? 'Default') === '!')",
    ),
    host(
      'sandbox: SYS_PTRACE',
      'add?.find((each) => !HARMLESS_CAPABILITIES.has(each));',
      'add?.find((each) => each === "!" && !HARMLESS_CAPABILITIES.has(each));',
    ),
    host(
      'sandbox: an unconfined type of SELinux',
      "  if (!CONFINED_TYPES.has(seLinuxOptions?.type ?? ''))",
      "  if (!CONFINED_TYPES.has(seLinuxOptions?.type === '!' ? '!' : ''))",
    ),
    isolation(
      'sandbox: processes shared with seal-fetch',
      '  if (shareProcessNamespace !== true) return;',
      '  if (shareProcessNamespace !== undefined || true) return;',
    ),
  ],
  'a pod with secrets, changed afterwards': [
    changes(
      'image: by strategic patch',
      '    if (container.image !== was?.image)',
      '    if (container.image === "!" && container.image !== was?.image)',
      /^POD_SPEC_CHANGED$/,
    ),
    changes('image: of seal-fetch before the pod is placed', '  requireSealFetchKept(old, now);\n', ''),
    changes(
      'resize: a larger limit',
      '    requireNoGrowth(was?.resources, container.resources, path);\n',
      '',
      /^POD_SPEC_CHANGED$/,
    ),
    changes('spec: a deadline', '  requireSameSpec(oldRaw, raw);\n', ''),
    changes('spec: less of everything', '  requireSameSpec(oldRaw, raw);\n', ''),
    pods(
      'spec: longer tolerated',
      '    { spec: old.spec, raw: rawSpec(request.oldObject) },\n    { spec: pod.spec, raw: rawSpec(request.object) },',
      '    { spec: old.spec, raw: JSON.parse(JSON.stringify(old.spec)) },\n    { spec: pod.spec, raw: JSON.parse(JSON.stringify(pod.spec)) },',
    ),
    pods('marks: the receipt is taken away', '  requireSameMarks(old.metadata, pod.metadata);\n', ''),
    pods(
      'marks: tolerates everything, later',
      '    if (!before.has(tolerationKey(toleration))) requireHarmless(toleration);',
      '    if (before.has(tolerationKey(toleration))) requireHarmless(toleration);',
    ),
  ],
  'past the scheduler and the enclave': [
    pods('placement: a preset node', '  requireUnplaced(pod);\n', ''),
    pods('placement: a receipt that it brings', '  requireNoMarks(pod.metadata);\n', ''),
    pods(
      'placement: a scheduler of its own',
      '  requirePlain(pod);\n  requireOurScheduler(pod);\n',
      '  requirePlain(pod);\n',
    ),
    pods(
      'mirror: by a tenant, where only references count',
      '  requireNoMirror(pod.metadata);\n  requireUnplaced(pod);\n',
      '',
    ),
    pods(
      'placement: tolerates everything',
      '  for (const toleration of pod.spec.tolerations ?? []) requireHarmless(toleration);\n  requireOwnSandbox',
      '  requireOwnSandbox',
    ),
  ],
  'templates and their pods': [
    templates(
      'template: deployments without a secret',
      "  if (!refers && (await facts.mode(namespace)) !== 'references') throw secretsRequired(namespace);\n",
      '',
    ),
    templates('template: deployments that reach the host', '  requirePlain(pod);\n', ''),
    templates(
      'template: deployments with a scheduler of their own',
      '  if (!isUnsetScheduler(pod.spec.schedulerName ?? ',
      '  if (pod.spec.schedulerName === "!" && !isUnsetScheduler(pod.spec.schedulerName ?? ',
    ),
  ],
  'plain Secrets, and ciphertext for something else': [
    secrets(
      'plain: Opaque',
      '      requireSealed(secret, request.namespace, rules);',
      '      requireSealed.toString();',
    ),
    whole(
      'plain: sealed, but of a type of its own',
      '  if (SEALABLE_TYPES.some((each) => each === type)) return [];',
      '  if (SEALABLE_TYPES.some((each) => each !== type)) return [];',
    ),
    whole(
      'plain: beside sealed values',
      '  if (plain.length === 0 && sealed > 0) return [];',
      '  if (sealed > 0) return [];',
    ),
    signature(
      'plain: under the key of the signature',
      '  return bytes.length === BYTES_BY_FLAG[flag];',
      '  return bytes.length === BYTES_BY_FLAG[flag] || bytes.length > 0;',
    ),
    secrets(
      "plain: a service account's token, forged",
      '  if (data.size === 0) return;',
      '  if (data.size >= 0) return;',
    ),
    secrets(
      'plain: a record of Helm under another name',
      '  if (HELM_NAME.test(metadata.name) && data.size === 1',
      '  if (metadata.name !== "" && data.size === 1',
    ),
    secrets(
      'plain: in a record of Helm',
      'record !== undefined && isGzipText(record)) return;',
      'record !== undefined && (isGzipText(record) || record !== "")) return;',
    ),
    secrets(
      'changed: the plain one of before, to other plain',
      '    [...secret.data].every(([key, value]) => old.data.get(key) === value) &&',
      '    [...secret.data].every(([key]) => old.data.has(key)) &&',
    ),
    whole(
      'marks: no label',
      "  if (labels?.[SEALED_LABEL] !== 'true')",
      "  if (labels?.[SEALED_LABEL] === '!')",
    ),
    whole(
      'marks: another policy',
      'truths.find((truth) => truth.get(key) !== said)',
      'truths.find((truth) => !truth.has(key))',
    ),
    values(
      'sealed for: another cluster',
      '  if (identity.cluster !== rules.cluster)',
      '  if (identity.cluster === "")',
    ),
    values('sealed for: another package', '  if (packageId !== rules.packageId)', '  if (packageId === "")'),
    values(
      'sealed for: another namespace',
      '  if (identity.namespace !== place.namespace)',
      '  if (identity.namespace === "")',
    ),
    values(
      'sealed for: another Secret',
      '  if (aad.secret !== place.secret || aad.key !== place.key)',
      '  if (aad.key !== place.key)',
    ),
    values(
      'sealed for: another key',
      '  if (aad.secret !== place.secret || aad.key !== place.key)',
      '  if (aad.secret !== place.secret)',
    ),
    values(
      'sealed for: one key server of three',
      '  if (threshold < rules.threshold)',
      '  if (threshold < 1)',
    ),
    values(
      'sealed for: a key server of its own',
      '    const expected = rules.keyServers.get(objectId);',
      '    const expected = rules.keyServers.get(objectId) ?? weight;',
    ),
    values(
      'sealed for: a key server that weighs more',
      '    if (weight !== expected)',
      '    if (weight === 0)',
    ),
    values(
      'sealed for: two policies',
      '    if (!equalBytes(encodeSealIdentity(identity), expected))',
      '    if (identity.cluster === "" && !equalBytes(encodeSealIdentity(identity), expected))',
    ),
  ],
  "tokens for the enclave's broker": [
    bindings(
      'token: by a tenant',
      '  if (node === null) {',
      '  if (node === null) return [];\n  if (node === "") {',
    ),
    bindings(
      'token: of an earlier pod, without NodeRestriction',
      '  if (pod?.uid !== bound.uid)',
      '  if (pod === null)',
    ),
    bindings(
      'token: by another node, without NodeRestriction',
      '  if (pod.nodeName !== node)',
      '  if (pod.nodeName === "!")',
    ),
    bindings(
      'token: for a pod without sealed secrets, without NodeRestriction',
      '  if (!pod.sealed)',
      '  if (false)',
    ),
    bindings(
      'token: for two audiences, without NodeRestriction',
      '  if (audiences.length > 1) {',
      '  if (audiences.length > 9) {',
    ),
  ],
  'calls that are no reviews': [
    server(
      'call: without a certificate',
      "    if (typeof name === 'string' && allowed.includes(name)) {",
      "    if (name !== '!' || allowed.includes(name)) {",
    ),
    decode('call: with a key twice', '  if (keys.has(key))', "  if (key === '!')"),
    decode(
      'call: that nests deep',
      '        if (open.length > JSON_DEPTH_MAX)',
      '        if (open.length > 1e9)',
    ),
  ],
  'the mutating registration is gone': [
    shape(
      'reference: a variable, where references would do',
      '  if (left === undefined) return;',
      '  if (left === undefined || left.secret !== "") return;',
    ),
    shape(
      'shape: seal-fetch of another image',
      '  if (isDeepStrictEqual(first, expected)) return;',
      '  if (first.name === expected.name) return;',
    ),
    shape(
      'shape: the token lives a day',
      '    if (isDeepStrictEqual(volumes.get(volume.name), volume)) continue;',
      '    if (volumes.has(volume.name)) continue;',
    ),
    shape(
      'shape: another container mounts the token',
      '      if (isReservedVolume(name)) throw forged(`${path}',
      "      if (name === '!') throw forged(`${path}",
    ),
    shape(
      'shape: another container writes the files',
      '      if (!outputs.has(name) || (readOnly',
      '      if (outputs.has(name) || (readOnly',
    ),
    shape(
      'plan: of another policy',
      '  if (policy !== secret.policy || version !== secret.version.toString())',
      '  if (version !== secret.version.toString())',
    ),
    shape(
      'plan: of another version',
      '  if (policy !== secret.policy || version !== secret.version.toString())',
      '  if (policy !== secret.policy)',
    ),
    shape(
      'plan: of other ciphertext',
      '    if (secret.keys.get(key) !== sha256)',
      '    if (!secret.keys.has(key))',
    ),
    shape(
      'plan: with threshold one',
      '  if (!isDeepStrictEqual(header, planHeader(rules.seal)))',
      '  if (header.cluster !== planHeader(rules.seal).cluster)',
    ),
    shape(
      'plan: for another service account',
      '    requireServiceAccount(secret, serviceAccountOf(spec));\n',
      '',
    ),
    shape(
      'plan: that refreshes, unasked',
      '  if (refreshSeconds !== refreshSecondsOf(metadata))',
      '  if (refreshSeconds === -1)',
    ),
    shape(
      'plan: with a variable that nobody reads',
      '  if (unread.size > 0) throw',
      '  if (unread.size > 99) throw',
    ),
    shape(
      'shape: another token for the broker',
      '  requireNoBrokerToken({ ...spec, volumes: spec.volumes?.filter(({ name }) => !names.has(name)) });\n',
      '',
    ),
    shape('reference: processes shared with seal-fetch', '  requireOwnProcesses(spec);\n', ''),
    pods(
      'reference: the default scheduler',
      '  requireOurScheduler(pod);\n  await checkShape',
      '  await checkShape',
    ),
  ],
};
