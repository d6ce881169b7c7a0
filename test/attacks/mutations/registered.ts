/** Checks that stand in the manifests: what is registered with the API server, and what it evaluates itself. */
import { edit, MANIFESTS, row, type Edit, type Table } from './edits.ts';

const webhooks = (from: string, to: string): Edit => edit(`${MANIFESTS}webhooks.yaml`, from, to);
const modes = (from: string, to: string): Edit => edit(`${MANIFESTS}namespace-modes.yaml`, from, to);

const SCOPE = '        scope: Namespaced\n';
/** Operations that a rule is for, and others instead. */
const operations = (resources: string, from: string, to: string): Edit => {
  const of = (which: string): string => `        operations: [${which}]\n        resources: [${resources}]\n`;
  return webhooks(of(from), of(to));
};
const resources = (from: string, to: string): Edit =>
  webhooks(`        resources: [${from}]\n`, `        resources: [${to}]\n`);
/** An entry that lets pass what it could not ask about. */
const failsOpen = (entry: string, path = 'validate'): Edit => {
  const of = (policy: string): string =>
    `  - name: ${entry}.k3s-daas.io\n    admissionReviewVersions: [v1]\n    clientConfig:\n` +
    `      url: https://admission.invalid/${path}\n    failurePolicy: ${policy}\n`;
  return webhooks(of('Fail'), of('Ignore'));
};
const authorized = modes(
  "    - expression: >-\n        authorizer.group('k3s-daas.io').resource('namespaces').name(object.metadata.name).check('set-secrets-mode').allowed()\n",
  "    - expression: 'true'\n",
);
const matched = (...left: readonly string[]): Edit =>
  modes(
    '        resources: [namespaces, namespaces/status, namespaces/finalize]\n',
    `        resources: [${left.join(', ')}]\n`,
  );
const REACHED = /^[45]\d\d /;

export const registered: Table = {
  'forged marks of an injection': [
    row('marker: no secret at all', [
      webhooks(
        `        resources: [pods]\n${SCOPE}      # Image`,
        `        resources: [pods]\n        scope: Cluster\n      # Image`,
      ),
    ]),
  ],
  'ways out by labels and namespaces': [
    row('way out: a generated name', [operations('pods', 'CREATE, UPDATE', 'UPDATE')]),
    row('mode: a tenant loosens its namespace by merge patch', [authorized]),
    row('mode: a tenant takes the label away', [
      modes('  validationActions: [Deny]\n', '  validationActions: [Audit]\n'),
    ]),
    row('mode: a tenant makes a loose namespace', [
      modes('        operations: [CREATE, UPDATE]\n', '        operations: [UPDATE]\n'),
    ]),
    row('mode: a tenant loosens its namespace by merge patch/status', [
      matched('namespaces', 'namespaces/finalize'),
    ]),
    row('mode: a tenant loosens its namespace by PUT/finalize', [matched('namespaces', 'namespaces/status')]),
    row('mode: an administrator switches it off', [
      modes(
        "    - expression: object.metadata.?labels['k3s-daas.io/secrets'].orValue('required') in ['required', 'references']\n",
        "    - expression: 'true'\n",
      ),
    ]),
  ],
  'into a pod with secrets': [
    row(
      'connect: attach',
      [resources('pods/exec, pods/attach, pods/portforward, pods/proxy', 'pods/log')],
      REACHED,
    ),
    row('node proxy: exec', [resources('nodes/proxy', 'nodes/log')], REACHED),
    row('ephemeral container: that traces', [
      resources('pods/resize, pods/ephemeralcontainers', 'pods/resize'),
    ]),
  ],
  'a pod with secrets, changed afterwards': [
    row('resize: more memory', [
      resources('pods/resize, pods/ephemeralcontainers', 'pods/ephemeralcontainers'),
    ]),
    row('marks: the label of sealed Secrets', [operations('pods', 'CREATE, UPDATE', 'CREATE')]),
    row('marks: a mark by way of the status', [resources('pods/status', 'pods/log')]),
  ],
  'past the scheduler and the enclave': [
    row(
      'binding: by an administrator',
      [resources('pods/binding, bindings', 'bindings')],
      /^(accepted|409 Conflict)$/,
    ),
    row(
      'binding: by the legacy resource',
      [resources('pods/binding, bindings', 'pods/binding')],
      /^(accepted|409 Conflict)$/,
    ),
    row('node: writes its own stake', [operations('nodes', 'CREATE, UPDATE', 'CREATE')]),
    row('node: writes its own stake by its status', [resources('nodes/status', 'nodes/proxy')]),
  ],
  'templates and their pods': [
    row('template: daemonsets with a plain Secret', [
      resources('deployments, statefulsets, daemonsets, replicasets', 'controllerrevisions'),
    ]),
    row('template: deployments with a preset node', [
      resources('deployments, statefulsets, daemonsets, replicasets', 'controllerrevisions'),
    ]),
    row('template: deployments with imagePullSecrets', [
      resources('deployments, statefulsets, daemonsets, replicasets', 'controllerrevisions'),
    ]),
    row('template: a good deployment for another service account', [
      operations('deployments, statefulsets, daemonsets, replicasets', 'CREATE, UPDATE', 'CREATE'),
    ]),
    row('template: cronjobs with a plain Secret', [resources('jobs, cronjobs', 'jobs/status')]),
    row('template: podtemplates with a plain Secret', [
      resources('replicationcontrollers, podtemplates', 'replicationcontrollers/status'),
    ]),
    // The pods themselves, past mutation and validation.
    row('pods of a template: whose Secret never comes', [
      operations('pods', 'CREATE', 'UPDATE'),
      operations('pods', 'CREATE, UPDATE', 'UPDATE'),
    ]),
  ],
  'plain Secrets, and ciphertext for something else': [
    row('plain: Opaque, by an administrator', [resources('secrets', 'configmaps')]),
    row('changed: to plain in part, by apply', [operations('secrets', 'CREATE, UPDATE', 'CREATE')]),
  ],
  "tokens for the enclave's broker": [
    row('token: by an administrator', [resources('serviceaccounts/token', 'serviceaccounts')]),
    row('token: in an exempt namespace', [
      webhooks("exists(audience, audience == 'k3s-daas.io/broker')", "exists(audience, audience == '')"),
    ]),
  ],
  'the webhook is down': [
    row('down: a pod', [failsOpen('pods-mutate', 'mutate'), failsOpen('pods')]),
    row('down: a plain Secret', [failsOpen('secrets')]),
    row('down: a template', [failsOpen('templates')]),
    row('down: a token for the broker', [failsOpen('tokens')]),
    row('down: exec', [failsOpen('connect')], /^404 /),
    row('down: a looser namespace', [authorized]),
  ],
};
