/** The few routes of an API server that the webhook reads, under a test's control: what it says, when, and whether. */
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';

import { createAuthority } from '@k3s-daas/control-plane';
import { KubeConfig } from '@kubernetes/client-node';

interface Meta {
  readonly name: string;
  readonly namespace?: string;
}

export interface ApiObject {
  readonly metadata: Meta;
}

export interface OpenWatch {
  readonly query: URLSearchParams;
  readonly response: ServerResponse;
  /** When it was opened, by the monotonic clock. */
  readonly atMs: number;
}

export class FakeApiServer {
  /** By path; a number is a status to answer with, `hangs` no answer. */
  readonly objects = new Map<string, object | number | 'hangs'>();
  readonly reads: string[] = [];
  /** All watches that were ever opened, by path. */
  readonly watches = new Map<string, OpenWatch[]>();
  /** A watch with a version is refused as too old. */
  gone = false;
  /** Watches are refused with this status. */
  refuse = 0;
  version = 100;
  readonly #server: Server;
  readonly #lists = new Map<string, readonly ApiObject[]>();

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(): Promise<{ api: FakeApiServer; kubeConfig: KubeConfig }> {
    const ca = await createAuthority('api-ca');
    const { certPem, keyPem } = await ca.issue({
      commonName: 'api',
      usages: ['server'],
      ips: ['127.0.0.1'],
      days: 1,
    });
    const server = createServer({ cert: certPem, key: keyPem });
    const api = new FakeApiServer(server);
    server.on('request', (request, response) => {
      api.#answer(new URL(request.url ?? '', 'https://x'), response);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const kubeConfig = new KubeConfig();
    kubeConfig.loadFromOptions({
      clusters: [
        {
          name: 'c',
          server: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
          caData: Buffer.from(ca.certPem).toString('base64'),
          skipTLSVerify: false,
        },
      ],
      users: [{ name: 'u', token: 't' }],
      contexts: [{ name: 'x', cluster: 'c', user: 'u' }],
      currentContext: 'x',
    });
    return { api, kubeConfig };
  }

  /** What the next list of a path brings. */
  list(path: string, objects: readonly ApiObject[]): void {
    this.#lists.set(path, objects);
  }

  /** Tells every open watch of the path. */
  tell(path: string, type: string, object: ApiObject): void {
    for (const { response } of this.watches.get(path) ?? []) this.#write(response, type, object);
  }

  bookmark(path: string): void {
    this.tell(path, 'BOOKMARK', { metadata: { name: '' } });
  }

  /** Ends every open watch of the path as the API server does when its time is up, or by breaking the connection. */
  end(path: string, how: 'well' | 'broken' = 'well'): void {
    for (const { response } of this.watches.get(path) ?? []) {
      if (how === 'well') response.end();
      else response.destroy();
    }
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #answer({ pathname, searchParams }: URL, response: ServerResponse): void {
    response.setHeader('content-type', 'application/json');
    if (searchParams.get('watch') === 'true') {
      this.#watch(pathname, searchParams, response);
      return;
    }
    this.reads.push(pathname);
    const object = this.objects.get(pathname) ?? 404;
    if (object === 'hangs') return;
    if (typeof object === 'number') response.writeHead(object).end('{}');
    else response.end(JSON.stringify(object));
  }

  #watch(path: string, query: URLSearchParams, response: ServerResponse): void {
    this.watches.set(path, [...(this.watches.get(path) ?? []), { query, response, atMs: performance.now() }]);
    if (this.refuse !== 0) {
      response.writeHead(this.refuse).end('{}');
      return;
    }
    response.flushHeaders();
    if (query.get('sendInitialEvents') !== 'true') {
      if (this.gone) {
        response.end(
          `${JSON.stringify({ type: 'ERROR', object: { kind: 'Status', code: 410, metadata: {} } })}\n`,
        );
      }
      return;
    }
    for (const object of this.#lists.get(path) ?? []) this.#write(response, 'ADDED', object, this.version);
    const annotations = { 'k8s.io/initial-events-end': 'true' };
    const metadata = { resourceVersion: String(this.version), annotations };
    response.write(`${JSON.stringify({ type: 'BOOKMARK', object: { metadata } })}\n`);
  }

  #write(
    response: ServerResponse,
    type: string,
    { metadata, ...object }: ApiObject,
    version = ++this.version,
  ): void {
    if (response.writableEnded || response.destroyed) return;
    const resourceVersion = String(version);
    response.write(
      `${JSON.stringify({ type, object: { ...object, metadata: { ...metadata, resourceVersion } } })}\n`,
    );
  }
}
