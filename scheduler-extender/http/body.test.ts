import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';

import t from 'tap';

import { readJson } from './body.ts';

const LIMITS = { bytesMax: 800, depthMax: 4, msMax: 30 };

/** A request whose bytes come when the test says so. */
class SlowRequest extends Readable {
  readonly headers = { 'content-type': 'application/json' };
  complete = false;

  override _read(): void {
    // The test pushes.
  }

  json(): Promise<unknown> {
    return readJson(this as unknown as IncomingMessage, LIMITS);
  }
}

void t.test('of a body that was refused nothing more is kept', async (t) => {
  const cases: [string, string, (request: SlowRequest) => void][] = [
    ['late', 'BODY_LATE', (request) => request.push('[')],
    ['far too large', 'BODY_TOO_LARGE', (request) => request.push(Buffer.alloc(2 * LIMITS.bytesMax + 1))],
    ['gone', 'BODY_NOT_JSON', (request) => request.emit('close')],
  ];
  for (const [name, code, begin] of cases) {
    const request = new SlowRequest();
    const refused = request.json();
    begin(request);
    await t.rejects(refused, { code }, name);
    t.equal(request.listenerCount('data'), 0, `${name}: nobody collects`);
    request.push(Buffer.alloc(700));
    await new Promise(setImmediate);
    t.equal(request.readableLength, 0, `${name}: nor does the stream`);
  }
  const whole = new SlowRequest();
  whole.push('[1]');
  whole.push(null);
  t.same(await whole.json(), [1]);
  t.equal(whole.listenerCount('data'), 0);
});
