import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { consoleProgress } from '@k3s-daas/cli';
import { ensureControlPlane } from '@k3s-daas/control-plane';
import { SECRETS_MODE_LABEL, systemClock } from '@k3s-daas/core';
import { ensureNodePrograms, place } from '@k3s-daas/kubelet';

import { BenchError } from '../errors.ts';
import { runCommand, type Progress } from '../frame/command.ts';
import { connectApi } from '../kube-api.ts';
import { startSealedCluster } from './cluster.ts';
import { measure, PLAIN_NAMESPACE, type Sample } from './measure.ts';
import { OPTIONS } from './options.ts';
import { reportOf } from './report.ts';

const summary = `How long a pod takes from its creation until it runs, on a real kubelet with containerd, with a sealed secret and
without, in turns. Needs Linux, root and control groups of version 1 (bench/kubelet/README.md).`;

/** Builds outside, then runs itself again in a network of its own, and measures there. */
async function inPrivateNetwork(args: readonly string[], progress: Progress): Promise<number | null> {
  const where = await place();
  if (where.kind === 'inside') return null;
  if (where.kind === 'impossible')
    throw new BenchError('IMPOSSIBLE', where.reason, 'bench/kubelet/README.md says what a real node needs');
  const built = ({ message }: { message: string }): void => {
    progress(message);
  };
  await ensureControlPlane({ progress: built });
  await ensureNodePrograms({ progress: built });
  const [program = '', ...before] = where.command;
  try {
    const child = spawn(program, [...before, process.execPath, import.meta.filename, ...args], {
      env: { ...process.env, ...where.env },
      stdio: 'inherit',
    });
    const [code] = (await once(child, 'close')) as [number | null];
    return code ?? 1;
  } finally {
    await where.cleanUp();
  }
}

async function onCluster(rounds: number, progress: Progress): Promise<Sample[]> {
  const dir = mkdtempSync(join(tmpdir(), 'daas-pod-start-'));
  try {
    const steps = consoleProgress(systemClock, (text) => process.stderr.write(text));
    const cluster = await startSealedCluster(dir, steps);
    const { plane } = cluster.stack;
    const { certPem, keyPem } = await plane.issueClient({
      commonName: 'daas-bench',
      organizations: ['system:masters'],
    });
    const api = connectApi(plane.apiServerUrl, { caPem: plane.caPem, certPem, keyPem });
    try {
      await cluster.seal('db', { password: 'correct horse battery staple' });
      await cluster.kubectl(['create', 'namespace', PLAIN_NAMESPACE]);
      await cluster.kubectl(['label', 'namespace', PLAIN_NAMESPACE, `${SECRETS_MODE_LABEL}=references`]);
      await cluster.kubectl([
        'wait',
        '-n',
        PLAIN_NAMESPACE,
        '--for=create',
        'serviceaccount/default',
        '--timeout=30s',
      ]);
      return await measure(cluster, api, rounds, progress);
    } finally {
      api.close();
      await cluster.node.stop();
      await cluster.stack.stop();
    }
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

process.exitCode = await runCommand(
  {
    script: 'bench:pod-start',
    summary,
    options: OPTIONS,
    elsewhere: inPrivateNetwork,
    measure: async ({ rounds }, progress) => reportOf(await onCluster(rounds, progress), rounds),
  },
  process.argv.slice(2),
);
