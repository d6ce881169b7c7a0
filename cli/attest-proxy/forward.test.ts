import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';

import t from 'tap';

import { Forwarder, type ForwardLimits } from './forward.ts';
import type { Call, Upstream } from './upstream.ts';

const LIMITS: ForwardLimits = {
  bodyBytesMax: 800,
  bodyMs: 30,
  waitMs: 100,
  requestsMax: 4,
  heldBytesMax: 1_000,
};
const RESPONSE = { destroyed: false } as unknown as ServerResponse;

/** A request whose bytes come when the test says so. */
class SlowRequest extends Readable {
  readonly method = 'POST';
  readonly url = '/scheduler/filter';
  readonly headers = {};
  readonly rawHeaders = [];
  complete = false;

  override _read(): void {
    // The test pushes.
  }

  bytes(count: number): this {
    this.push(Buffer.alloc(count, 120));
    return this;
  }

  whole(): this {
    this.push(null);
    this.complete = true;
    return this;
  }

  get incoming(): IncomingMessage {
    return this as unknown as IncomingMessage;
  }
}

function forwarder(): { forwarder: Forwarder; sent: Call[] } {
  const sent: Call[] = [];
  const upstream: Pick<Upstream, 'send'> = {
    send: (call) => {
      sent.push(call);
      return Promise.resolve({ status: 200, headers: [], body: Buffer.alloc(0) });
    },
  };
  const link = { acquire: () => Promise.resolve(upstream as Upstream), failed: () => undefined };
  return { forwarder: new Forwarder(link, LIMITS), sent };
}

void t.test('what comes after a refusal is neither held nor counted', async (t) => {
  const cases: [string, string, (request: SlowRequest) => void][] = [
    ['late', 'BODY_LATE', (request) => request.bytes(1)],
    ['too large', 'BODY_TOO_LARGE', (request) => request.bytes(LIMITS.bodyBytesMax + 1)],
    ['gone', 'BODY_LATE', (request) => request.bytes(1).emit('close')],
  ];
  for (const [name, code, begin] of cases) {
    const { forwarder: it, sent } = forwarder();
    for (let i = 0; i < 3; i += 1) {
      const request = new SlowRequest();
      const refused = it.forward(request.incoming, RESPONSE);
      begin(request);
      await t.rejects(refused, { code }, name);
      request.bytes(700);
      await new Promise(setImmediate);
      t.equal(request.listenerCount('data'), 0, `${name}: nobody listens`);
    }
    t.equal(it.heldBytes, 0, `${name}: all is given back`);
    await it.forward(new SlowRequest().bytes(700).whole().incoming, RESPONSE);
    t.equal(sent[0]?.body.length, 700, `${name}: the next one has its room`);
  }
});

void t.test('what others hold is told, and ends with their request', async (t) => {
  const { forwarder: it } = forwarder();
  const first = new SlowRequest().bytes(700);
  const forwarded = it.forward(first.incoming, RESPONSE);
  await new Promise(setImmediate);
  t.equal(it.heldBytes, 700);
  await t.rejects(it.forward(new SlowRequest().bytes(700).whole().incoming, RESPONSE), {
    code: 'PROXY_BUSY',
  });
  t.equal(it.heldBytes, 700);
  first.whole();
  await forwarded;
  t.equal(it.heldBytes, 0);
});
