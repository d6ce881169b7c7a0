import { Agent, request } from 'node:https';
import { text } from 'node:stream/consumers';

import type { ControlPlane } from '@k3s-daas/control-plane';

import { BenchError } from '../errors.ts';

export interface Created {
  /** From sending the request to the end of the answer. */
  readonly ms: number;
  readonly json: Record<string, unknown>;
}

/** The API server by one connection that stays open. */
export class ApiClient {
  readonly #url: string;
  readonly #agent: Agent;

  private constructor(url: string, agent: Agent) {
    this.#url = url;
    this.#agent = agent;
  }

  static async asAdmin(plane: ControlPlane): Promise<ApiClient> {
    const { certPem, keyPem } = await plane.issueClient({
      commonName: 'bench',
      organizations: ['system:masters'],
    });
    const tls = { ca: plane.caPem, cert: certPem, key: keyPem };
    return new ApiClient(plane.apiServerUrl, new Agent({ ...tls, keepAlive: true, maxSockets: 1 }));
  }

  /** @throws BenchError API_REFUSED */
  create(path: string, body: object): Promise<Created> {
    return this.#call('POST', path, body);
  }

  /** Deletes all that a path lists. @throws BenchError API_REFUSED */
  async clear(path: string): Promise<void> {
    await this.#call('DELETE', `${path}?gracePeriodSeconds=0`);
  }

  close(): void {
    this.#agent.destroy();
  }

  async #call(method: string, path: string, body?: object): Promise<Created> {
    const payload = body === undefined ? undefined : JSON.stringify(body);
    const began = performance.now();
    const { status, answer } = await this.#send(method, path, payload);
    const ms = performance.now() - began;
    if (status < 300) return { ms, json: JSON.parse(answer) as Record<string, unknown> };
    throw new BenchError(
      'API_REFUSED',
      `${method} ${path}: ${status} ${answer.slice(0, 500)}`,
      'see the message',
    );
  }

  #send(method: string, path: string, payload?: string): Promise<{ status: number; answer: string }> {
    return new Promise((resolve, reject) => {
      const headers = { 'content-type': 'application/json' };
      const outgoing = request(`${this.#url}${path}`, { method, agent: this.#agent, headers }, (response) => {
        text(response).then((answer) => {
          resolve({ status: response.statusCode ?? 0, answer });
        }, reject);
      });
      outgoing.once('error', reject);
      outgoing.end(payload);
    });
  }
}
