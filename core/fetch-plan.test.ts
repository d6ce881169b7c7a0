/** How a plan stands in a pod's spec, by what a kubelet makes of it. */
import t from 'tap';

import { encodePlanVariable, parseFetchPlan, parsePlanVariable, type FetchPlan } from './fetch-plan.ts';

const id = (byte: string): string => `0x${byte.repeat(32)}`;
const planWith = (path: string): FetchPlan => ({
  cluster: id('11'),
  package: id('22'),
  broker: 'https://broker.example/$',
  relay: 'http://relay.example',
  chain: { chainId: 'chain', urls: ['http://chain.example'] },
  keyServers: [{ objectId: id('33'), weight: 1 }],
  threshold: 1,
  refreshSeconds: 0,
  secrets: [{ name: 'db', policy: id('44'), version: '1', keys: [{ key: 'k', sha256: '55'.repeat(32) }] }],
  files: [{ volume: 'v', path, mode: 0o400, secret: 'db', key: 'k' }],
  env: [],
});

/** Expand of k8s.io/kubernetes/third_party/forked/golang/expansion, with a variable HOST. */
const expanded = (text: string): string =>
  text.replace(/\$(\$|\(([^)]*)\))/g, (all, one: string, name?: string) =>
    one === '$' ? '$' : name === 'HOST' ? '10.0.0.1' : all,
  );

void t.test('a plan comes through a pod’s spec and a kubelet as it was', (t) => {
  for (const path of ['plain', '$', '$$', '$$$', 'a$b', '$(HOST)', '$$(HOST)', '$$$(HOST)/$(X)/$', '$&$1']) {
    const plan = planWith(path);
    const text = encodePlanVariable(plan);
    t.strictSame(parseFetchPlan(expanded(text)), plan, `${path}: what seal-fetch gets`);
    t.strictSame(parsePlanVariable(text), plan, `${path}: what is read in the spec`);
  }
  t.end();
});

void t.test('what a kubelet would not make a plan of is none', (t) => {
  const text = encodePlanVariable(planWith('a$b$$(HOST)'));
  for (const odd of [
    text.replaceAll('$$', '$'),
    text.replace('$$', '$'),
    text.replace('$$', () => '$$$'),
    ` ${text}`,
  ]) {
    t.throws(() => parsePlanVariable(odd), { code: 'PLAN_MALFORMED' }, odd);
  }
  t.end();
});
