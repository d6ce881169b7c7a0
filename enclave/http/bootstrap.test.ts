import { once } from 'node:events';
import { connect } from 'node:net';

import t from 'tap';

import { serveBootstrap } from './bootstrap.ts';

const HOST = '127.0.0.1';

void t.test('who asks again and again without reading gets one reply', async (t) => {
  let answered = 0;
  const { port, close } = await serveBootstrap({
    host: HOST,
    port: 0,
    attesting: () => null,
    progress: () => ({ done: [], waitingFor: 'entropy' }),
    reasons: () => {
      answered += 1;
      return [{ code: 'BOOT_WAITING', message: 'x'.repeat(50_000) }];
    },
    dead: () => null,
    acceptCertificate: () => undefined,
  });
  t.teardown(close);
  const socket = connect(port, HOST);
  await once(socket, 'connect');
  socket.pause();
  socket.write('GET /readyz HTTP/1.1\r\nhost: enclave\r\n\r\n'.repeat(500));
  while (answered === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  // The rest waits in vain: the reply says that it is the last.
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  socket.on('error', () => undefined);
  socket.resume();
  await once(socket, 'close');
  const text = Buffer.concat(chunks).toString('latin1');
  t.equal(text.split('HTTP/1.1 503').length - 1, 1);
  t.match(text, /\r\nconnection: close\r\n/i);
});
