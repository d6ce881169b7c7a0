// Starts a control plane, a node and a pod in a folder, says so, and stays: `node run-and-hang.ts DIR`.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { ensureControlPlane, startControlPlane } from '@k3s-daas/control-plane';

import { buildImage, ensureNodePrograms, place, startNode } from '../index.ts';

const [dir = ''] = process.argv.slice(2);
await place();
const programs = await ensureNodePrograms();
const plane = await startControlPlane({
  binaries: await ensureControlPlane(),
  dir: join(dir, 'plane'),
  kwok: false,
});
const node = await startNode({ plane, programs, name: 'n1', dir: join(dir, 'n1') });
const { archive, digest } = buildImage({
  files: [{ path: '/workload', content: readFileSync(programs.files.workload), mode: 0o755 }],
  entrypoint: ['/workload', 'wait'],
});
writeFileSync(join(dir, 'workload.tar'), archive);
await node.importImage(join(dir, 'workload.tar'), 'k3s-daas.local/workload');
const pod = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'p' },
  spec: { containers: [{ name: 'c', image: `k3s-daas.local/workload@${digest}` }] },
};
await plane.kubectl(['create', '-f', '-'], { input: JSON.stringify(pod) });
await plane.kubectl(['wait', '--for=condition=Ready', 'pod/p', '--timeout=120s']);
console.log('running');
