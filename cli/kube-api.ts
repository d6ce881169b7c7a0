import type { RequestOptions } from 'node:https';
import { request as httpsRequest } from 'node:https';

import { KubeConfig } from '@kubernetes/client-node';

import { describeError } from '@k3s-daas/core';

import { CliError } from './errors.ts';
import { exchange } from './reply.ts';

const TIMEOUT_MS = 10_000;

/**
 * GET of one object as raw JSON, with whatever credentials the kubeconfig holds. The typed client drops fields that it
 * does not know, and a digest over what is left would not be the pod's.
 */
export async function getObject(kubeconfig: string, path: string): Promise<unknown> {
  const config = new KubeConfig();
  config.loadFromFile(kubeconfig);
  const server = config.getCurrentCluster()?.server;
  if (server === undefined)
    throw new CliError('USAGE', `${kubeconfig} names no cluster`, 'choose a current context');
  const options: RequestOptions = {
    method: 'GET',
    timeout: TIMEOUT_MS,
    headers: { accept: 'application/json' },
  };
  await config.applyToHTTPSOptions(options);
  const { status, text } = await send(new URL(path, server), options);
  if (status === 200) return JSON.parse(text) as unknown;
  if (status === 404)
    throw new CliError('NOT_FOUND', `there is no ${path}`, 'check the namespace and the name');
  throw new CliError(
    'REQUEST_FAILED',
    `the API server answered ${status}: ${text.slice(0, 300)}`,
    'check your rights',
  );
}

async function send(url: URL, options: RequestOptions): Promise<{ status: number; text: string }> {
  try {
    return await exchange(httpsRequest(url, options));
  } catch (cause) {
    const why = describeError(cause);
    throw new CliError('REQUEST_FAILED', `${url.host} does not answer: ${why}`, 'is it running?', { cause });
  }
}
