import { podFacts, type ChainView, type Clock, type CodedError } from '@k3s-daas/core';
import express, { type ErrorRequestHandler, type Express, type Request, type Response } from 'express';

import type { Engine } from '../engine.ts';
import { ExtenderError } from '../errors.ts';
import type { WatchedKubeView } from '../kube/view.ts';
import type { ExtenderMetrics } from '../metrics.ts';
import type { PodFacts } from '../ports.ts';
import { readJson, type BodyLimits } from './body.ts';
import type { Clients } from './clients.ts';
import { HttpError, publicError, statusOf } from './errors.ts';
import { snapshotAgeMs, type Readiness } from './readiness.ts';
import { parseDryRun, type DryRunArgs } from './wire.ts';

export interface ApiDependencies {
  readonly engine: Engine;
  readonly kube: WatchedKubeView;
  readonly chain: ChainView;
  readonly clock: Clock;
  readonly clients: Clients;
  readonly readers: ReadonlySet<string>;
  readonly metrics: ExtenderMetrics;
  readonly readiness: () => Readiness;
  readonly body: BodyLimits;
  readonly failed: (error: CodedError) => void;
}

/**
 * What people and programs other than kube-scheduler may ask. Any client certificate reads health; explanations, lags,
 * metrics and dry runs are for `readers`.
 */
export function api(dependencies: ApiDependencies): Express {
  const { engine, clients, readers, metrics } = dependencies;
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.use((request, _response, next) => {
    clients.authenticate(request);
    next();
  });
  health(app, dependencies);

  app.use((request, _response, next) => {
    clients.authorize(request, readers);
    next();
  });
  app.get('/metrics', async (_request, response) => {
    response.set('content-type', metrics.contentType).end(await metrics.text());
  });
  app.get('/api/v1/explain/:podUid', (request, response) => {
    const { podUid } = request.params;
    const explanation = engine.explain(podUid);
    if (explanation === null) {
      throw new HttpError(
        'DECISION_UNKNOWN',
        `no decision about the pod ${podUid.slice(0, 128)} is known`,
        'ask for the UID of a pod that was offered to this enclave; audit older ones from the log',
      );
    }
    send(response, 200, explanation);
  });
  app.get('/api/v1/receipts/:podUid', (request, response) => {
    const { podUid } = request.params;
    const jws = engine.exportReceipt(podUid);
    if (jws === null) {
      throw new HttpError(
        'DECISION_UNKNOWN',
        `this session has no receipt for the pod ${podUid.slice(0, 128)}`,
        "ask for the UID of a pod that this session placed; older receipts are in the pod's annotation and in the log",
      );
    }
    response.status(200).set('content-type', 'application/jose').set('cache-control', 'no-store').end(jws);
  });
  app.get('/api/v1/lags', (_request, response) => {
    send(response, 200, { lags: engine.lags() });
  });
  app.post('/api/v1/dry-run', async (request, response) => {
    send(response, 200, await dryRun(dependencies, request));
  });

  app.use((request) => {
    throw new HttpError(
      'ROUTE_UNKNOWN',
      `there is no ${request.method} ${request.path.slice(0, 100)}`,
      'see scheduler-extender/README.md',
    );
  });
  app.use(failure(dependencies));
  return app;
}

function health(app: Express, { engine, kube, chain, clock, readiness }: ApiDependencies): void {
  app.get('/livez', (_request, response) => {
    send(response, 200, { status: 'ok' });
  });
  app.get('/readyz', (_request, response) => {
    const { ready, reasons } = readiness();
    send(response, ready ? 200 : 503, { status: ready ? 'ok' : 'unready', reasons });
  });
  app.get('/api/v1/health', (_request, response) => {
    const { ready, reasons } = readiness();
    send(response, 200, {
      status: ready ? 'ok' : 'degraded',
      reasons,
      engine: engine.status(),
      chain: { checkpoint: chain.current()?.checkpoint ?? null, ageMs: snapshotAgeMs(chain, clock) },
      kubernetes: { synced: kube.synced, resources: kube.resources() },
    });
  });
}

async function dryRun({ engine, kube, body }: ApiDependencies, request: Request): Promise<object> {
  const args = parseDryRun(await readJson(request, body));
  const names = args.nodeNames ?? Array.from(kube.nodes(), ({ name }) => name);
  const { outcome, scores } = engine.dryRun(podOf(kube, args), names);
  return { names: outcome.names, scores, rejected: outcome.rejected };
}

/** For a pod that does not exist yet: what the API server would fill in before anybody schedules it. */
const UNBORN = { uid: '00000000-0000-0000-0000-000000000000', namespace: 'default', name: 'dry-run' };

function podOf(kube: WatchedKubeView, args: DryRunArgs): PodFacts {
  if ('pod' in args) {
    const { metadata } = args.pod;
    return podFacts({
      ...args.pod,
      metadata: { ...UNBORN, ...(typeof metadata === 'object' ? metadata : {}) },
    });
  }
  for (const pod of kube.pods()) if (pod.name === args.name && pod.namespace === args.namespace) return pod;
  throw new ExtenderError(
    'POD_UNKNOWN',
    `there is no pod ${args.namespace}/${args.name}`,
    'check the name, or send the pod itself',
  );
}

function failure({ failed }: ApiDependencies): ErrorRequestHandler {
  return (error: unknown, _request, response, next) => {
    if (response.headersSent) {
      next(error);
      return;
    }
    // Express' own errors, such as a path with a broken percent-encoding, carry a status of their own.
    const own = error instanceof Error && 'status' in error && error.status === 400;
    const shown = own
      ? new HttpError('ROUTE_UNKNOWN', 'the path is not well-formed', 'check its percent-encoding')
      : publicError(error);
    failed(shown);
    send(response, statusOf(shown), shown);
  };
}

/** Amounts beyond 2⁵³ lose digits as JSON numbers in most readers: bigints are decimal strings. */
function send(response: Response, status: number, value: object): void {
  const text = JSON.stringify(value, (_key, field: unknown) =>
    typeof field === 'bigint' ? field.toString() : field,
  );
  response.status(status).set('content-type', 'application/json').set('cache-control', 'no-store').end(text);
}
