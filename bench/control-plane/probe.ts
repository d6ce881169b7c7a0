import * as http from 'node:http';
import * as https from 'node:https';
import { setTimeout as delay } from 'node:timers/promises';
import { describeError } from '@k3s-daas/core';
import type { Child, Children } from './children.ts';
import { ControlPlaneError } from './errors.ts';
import type { KeyedCertificatePem } from './pki.ts';

const PROBE_MS_MAX = 2000;
const PAUSE_MS = 50;
const GET_MS_MAX = 10_000;
const REPLY_BYTES_MAX = 64 << 20;

export interface Trust {
  readonly caPem: string;
  readonly client: KeyedCertificatePem;
}

/** GET; true for status 200. Any failure of the connection is false: it is not there yet. */
function answers(url: string, trust: Trust): Promise<boolean> {
  return new Promise((resolve) => {
    const done = (response: http.IncomingMessage): void => {
      response.resume();
      response.once('error', () => undefined);
      resolve(response.statusCode === 200);
    };
    const request = url.startsWith('https:')
      ? https.get(
          url,
          {
            agent: false,
            ca: trust.caPem,
            cert: trust.client.certPem,
            key: trust.client.keyPem,
            timeout: PROBE_MS_MAX,
          },
          done,
        )
      : http.get(url, { agent: false, timeout: PROBE_MS_MAX }, done);
    request.once('timeout', () => request.destroy(new Error('timeout')));
    request.once('error', () => {
      resolve(false);
    });
  });
}

/**
 * GET of an object of the API server.
 *
 * @throws ControlPlaneError `request-failed` with what the API server answered instead.
 */
export async function getJson(url: string, trust: Trust): Promise<unknown> {
  const failed = (why: string, cause?: unknown): ControlPlaneError =>
    new ControlPlaneError(
      'request-failed',
      `GET ${url}: ${why}`,
      'Check the path, and that the control plane is running.',
      { cause },
    );
  const { caPem: ca, client } = trust;
  const reply = await new Promise<{ status: number; text: string }>((resolve, reject) => {
    const options = { ca, cert: client.certPem, key: client.keyPem, timeout: GET_MS_MAX };
    const request = https.get(url, options, (response) => {
      const chunks: Buffer[] = [];
      let size = 0;
      response.on('data', (chunk: Buffer) => {
        size += chunk.length;
        if (size > REPLY_BYTES_MAX) response.destroy(new Error('the answer is too large'));
        else chunks.push(chunk);
      });
      response.once('error', reject);
      response.once('end', () => {
        resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') });
      });
    });
    request.once('timeout', () => request.destroy(new Error('no answer')));
    request.once('error', reject);
  }).catch((cause: unknown) => {
    throw failed(describeError(cause), cause);
  });
  if (reply.status !== 200) throw failed(`status ${reply.status}: ${reply.text.slice(0, 300)}`);
  return JSON.parse(reply.text);
}

/**
 * Waits until `url` answers 200.
 *
 * @param watched processes without which it never will: the end of one ends the waiting.
 * @throws ControlPlaneError `start-failed` or `not-ready`, with the end of the log.
 */
export async function untilAnswers(
  url: string,
  trust: Trust,
  children: Children,
  watched: readonly Child[],
  msMax: number,
): Promise<void> {
  const deadline = performance.now() + msMax;
  while (!(await answers(url, trust))) {
    const dead = watched.find((child) => child.hasExited());
    if (dead !== undefined) throw startFailed(dead.name, (await dead.exited).lastLines);
    if (performance.now() > deadline) {
      const name = watched.at(-1)?.name ?? 'control plane';
      throw new ControlPlaneError(
        'not-ready',
        `${name} did not answer on ${url} within ${msMax} ms. The end of its log:\n${await children.lastLines(name)}`,
        'The machine may be overloaded: raise readyMsMax, or read the logs folder.',
      );
    }
    await delay(PAUSE_MS);
  }
}

function startFailed(name: string, lastLines: string): ControlPlaneError {
  return new ControlPlaneError(
    'start-failed',
    `${name} ended while it was starting. The end of its log:\n${lastLines}`,
    'Read the log: a flag it does not know, or a port that is taken.',
  );
}
