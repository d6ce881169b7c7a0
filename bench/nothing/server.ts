/**
 * The do-nothing extender: what any extender in Node with this contract costs at least. It decides nothing, signs
 * nothing, keeps nothing. mTLS, names instead of nodes; filter returns the first K names, prioritize one score for all,
 * bind posts the Binding.
 *
 *   node server.ts CONFIG.json
 */
import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, Agent, request as httpsRequest } from 'node:https';

import { z } from 'zod';

/** As in our extender (scheduler-extender/http/serve.ts): Go keeps an idle connection 90 s. */
const KEEP_ALIVE_MS = 120_000;
const SOCKETS_MAX = 128;
const SCORE = 5;

const file = z.string();
const config = z
  .strictObject({
    port: z.int(),
    k: z.int().positive(),
    cert: file,
    key: file,
    clientCa: file,
    apiServer: z.url(),
    apiCert: file,
    apiKey: file,
  })
  .parse(JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')));

interface ExtenderArgs {
  readonly NodeNames: readonly string[];
}

interface BindingArgs {
  readonly PodName: string;
  readonly PodNamespace: string;
  readonly PodUID: string;
  readonly Node: string;
}

/** Milliseconds of each call since they were last asked for. */
let samples: Record<string, number[]> = {};
const agent = new Agent({
  keepAlive: true,
  maxSockets: SOCKETS_MAX,
  scheduling: 'lifo',
  ca: config.clientCa,
  cert: config.apiCert,
  key: config.apiKey,
});

function filter({ NodeNames }: ExtenderArgs): object {
  return {
    Nodes: null,
    NodeNames: NodeNames.slice(0, config.k),
    FailedNodes: {},
    FailedAndUnresolvableNodes: {},
    Error: '',
  };
}

function prioritize({ NodeNames }: ExtenderArgs): object {
  return NodeNames.map((name) => ({ Host: name, Score: SCORE }));
}

async function bind({ PodName, PodNamespace, PodUID, Node }: BindingArgs): Promise<object> {
  const body = {
    apiVersion: 'v1',
    kind: 'Binding',
    metadata: { name: PodName, namespace: PodNamespace, uid: PodUID },
    target: { apiVersion: 'v1', kind: 'Node', name: Node },
  };
  const path = `/api/v1/namespaces/${PodNamespace}/pods/${PodName}/binding`;
  const status = await post(new URL(path, config.apiServer), JSON.stringify(body));
  return { Error: status === 201 ? '' : `the API server answered ${status}` };
}

function post(url: URL, body: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
    const request = httpsRequest(url, { method: 'POST', agent, headers }, (response) => {
      response.resume();
      response.once('end', () => {
        resolve(response.statusCode ?? 0);
      });
    });
    request.once('error', reject);
    request.end(body);
  });
}

async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const start = performance.now();
  const verb = (request.url ?? '').slice(1);
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const value =
    verb === 'samples' ? takeSamples() : await answer(verb, Buffer.concat(chunks).toString('utf8'));
  const body = Buffer.from(JSON.stringify(value));
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length });
  response.end(body);
  if (verb !== 'samples') (samples[verb] ??= []).push(performance.now() - start);
}

function answer(verb: string, text: string): object | Promise<object> {
  const args: unknown = JSON.parse(text);
  switch (verb) {
    case 'filter':
      return filter(args as ExtenderArgs);
    case 'prioritize':
      return prioritize(args as ExtenderArgs);
    default:
      return bind(args as BindingArgs);
  }
}

function takeSamples(): object {
  const taken = samples;
  samples = {};
  return taken;
}

const server = createServer(
  {
    cert: config.cert,
    key: config.key,
    ca: config.clientCa,
    requestCert: true,
    rejectUnauthorized: true,
    minVersion: 'TLSv1.3',
  },
  (request, response) => {
    serve(request, response).catch((error: unknown) => {
      console.error(error);
      response.writeHead(500).end();
    });
  },
);
server.keepAliveTimeout = KEEP_ALIVE_MS;
server.on('secureConnection', (socket) => {
  socket.setNoDelay(true);
});
server.listen(config.port, '127.0.0.1');
