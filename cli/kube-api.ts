import type { RequestOptions } from 'node:https';
import { request as httpsRequest } from 'node:https';

import { describeError } from '@k3s-daas/core';

import { CliError } from './errors.ts';
import { exchange } from './reply.ts';

const TIMEOUT_MS = 10_000;

/** An answer of the API server: its status, and what it said as JSON (undefined if that is none). */
export interface ApiAnswer {
  readonly status: number;
  readonly body: unknown;
  readonly text: string;
}

/** One call of the API server with some kubeconfig's credentials. */
export type ApiCaller = (
  method: 'GET' | 'POST' | 'PUT' | 'DELETE',
  path: string,
  body?: object,
) => Promise<ApiAnswer>;

/** Calls with whatever credentials the kubeconfig holds; it is read anew each time, so that it can be replaced. */
export function apiCaller(kubeconfig: string): ApiCaller {
  // Hundreds of modules: who calls no API server does not wait for them, and who will has them by then.
  const library = import('@kubernetes/client-node');
  return async (method, path, body) => {
    const { KubeConfig } = await library;
    const config = new KubeConfig();
    config.loadFromFile(kubeconfig);
    const server = config.getCurrentCluster()?.server;
    if (server === undefined)
      throw new CliError('USAGE', `${kubeconfig} names no cluster`, 'choose a current context');
    const text = body === undefined ? '' : JSON.stringify(body);
    const options: RequestOptions = {
      method,
      timeout: TIMEOUT_MS,
      headers: {
        accept: 'application/json',
        ...(body === undefined
          ? {}
          : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }),
      },
    };
    await config.applyToHTTPSOptions(options);
    const reply = await send(new URL(path, server), options, text);
    return { ...reply, body: parseJson(reply.text) };
  };
}

/**
 * GET of one object as raw JSON. The typed client drops fields that it does not know, and a digest over what is left
 * would not be the pod's.
 */
export async function getObject(kubeconfig: string, path: string): Promise<unknown> {
  const { status, body, text } = await apiCaller(kubeconfig)('GET', path);
  if (status === 200 && body !== undefined) return body;
  if (status === 404)
    throw new CliError('NOT_FOUND', `there is no ${path}`, 'check the namespace and the name');
  throw new CliError(
    'REQUEST_FAILED',
    `the API server answered ${status}: ${text.slice(0, 300)}`,
    'check your rights',
  );
}

async function send(
  url: URL,
  options: RequestOptions,
  body: string,
): Promise<{ status: number; text: string }> {
  try {
    return await exchange(httpsRequest(url, options), body);
  } catch (cause) {
    const why = describeError(cause);
    throw new CliError('REQUEST_FAILED', `${url.host} does not answer: ${why}`, 'is it running?', { cause });
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
