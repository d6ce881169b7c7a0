import t from 'tap';

import { endToEnd } from './headers.ts';

void t.test('headers of this hop only are not passed on', (t) => {
  const own = ['Host', 'h', 'Content-Length', '3', 'Expect', '100-continue'];
  const hop = [
    'Connection',
    'close, X-Mine',
    'X-MINE',
    '1',
    'Keep-Alive',
    't',
    'TE',
    'trailers',
    'Trailer',
    'x',
  ];
  const more = [
    'Transfer-Encoding',
    'chunked',
    'Upgrade',
    'h2c',
    'Proxy-Authorization',
    's',
    'Proxy-Connection',
    'c',
  ];
  const kept = ['X-A', '1', 'x-a', '2', 'Accept', '*/*', 'Set-Cookie', 'a', 'Set-Cookie', 'b'];
  t.same(endToEnd([...own, ...kept, ...hop, ...more]), kept);
  t.same(endToEnd([]), []);
  t.end();
});
