import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { consoleProgress } from '@k3s-daas/cli';
import { ensureControlPlane } from '@k3s-daas/control-plane';
import { describeError, SECRETS_MODE_LABEL, systemClock } from '@k3s-daas/core';
import { ensureNodePrograms, place } from '@k3s-daas/kubelet';

import { connectApi } from '../kube-api.ts';
import { currentCommit, describeHost } from '../machine.ts';
import { startSealedCluster } from './cluster.ts';
import { measure, PLAIN_NAMESPACE, type Sample } from './measure.ts';
import { HELP, parseOptions, type PodStartOptions } from './options.ts';
import {
  figuresOf,
  podStartJson,
  podStartMarkdown,
  writePodStartReport,
  type PodStartRun,
} from './report.ts';

const RESULTS = fileURLToPath(new URL('../results', import.meta.url));
const USAGE = 2;
const IMPOSSIBLE = 69;

const progress = (text: string): void => {
  process.stderr.write(`${text}\n`);
};

/** Builds outside, then runs itself again in a network of its own, and measures there. */
async function main(args: readonly string[]): Promise<number> {
  let options: PodStartOptions | null;
  try {
    options = parseOptions(args, RESULTS);
  } catch (error) {
    progress(describeError(error));
    return USAGE;
  }
  if (options === null) {
    process.stdout.write(HELP);
    return 0;
  }
  const where = await place();
  if (where.kind === 'impossible') {
    progress(`not here: ${where.reason}`);
    return IMPOSSIBLE;
  }
  if (where.kind === 'inside') return report(options, args);
  const built = ({ message }: { message: string }): void => {
    progress(message);
  };
  await ensureControlPlane({ progress: built });
  await ensureNodePrograms({ progress: built });
  try {
    return await runInside(where.command, where.env, args);
  } finally {
    await where.cleanUp();
  }
}

function runInside(
  [program = '', ...rest]: readonly string[],
  env: Readonly<Record<string, string>>,
  args: readonly string[],
): Promise<number> {
  const child = spawn(program, [...rest, process.execPath, import.meta.filename, ...args], {
    env: { ...process.env, ...env },
    stdio: 'inherit',
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      resolve(code ?? 1);
    });
  });
}

async function report(options: PodStartOptions, args: readonly string[]): Promise<number> {
  const started = new Date(systemClock.now());
  const machine = describeHost();
  const commit = await currentCommit();
  const samples = await onCluster(options.rounds);
  const figures = figuresOf(samples);
  const run: PodStartRun = {
    command: ['npm run bench:pod-start', ...(args.length === 0 ? [] : ['--', ...args])].join(' '),
    commit,
    machine,
    loadAverageAfter: loadavg().map((load) => Math.round(load * 100) / 100),
    started: started.toISOString(),
    seconds: Math.round((systemClock.now() - started.getTime()) / 1000),
    rounds: options.rounds,
  };
  process.stdout.write(options.json ? podStartJson(run, figures, samples) : podStartMarkdown(run, figures));
  if (options.out !== null) {
    const files = await writePodStartReport(options.out, run, figures, samples);
    progress(`written: ${files.join(', ')}`);
  }
  return 0;
}

async function onCluster(rounds: number): Promise<Sample[]> {
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

process.exitCode = await main(process.argv.slice(2));
