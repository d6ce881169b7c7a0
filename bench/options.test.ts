import t from 'tap';

import { parseOptions } from './frame/options.ts';
import { needsOurs, OPTIONS } from './options.ts';

const parse = (...args: string[]) =>
  parseOptions({ script: 'bench', summary: '', options: OPTIONS }, args, '/results');

void t.test('sizes and subjects', (t) => {
  t.match(parse()?.values, {
    nodes: [500, 1000, 5000],
    rounds: 5,
    pods: 500,
    k: 64,
    subjects: ['stock', 'nothing', 'ours', 'ours-unguarded'],
    keep: false,
  });
  t.match(parse('--quick')?.values, { nodes: [50], rounds: 2, k: 64 });
  t.match(parse('--nodes', '7, 8', '--keep')?.values, { nodes: [7, 8], keep: true });
  t.same(parse('--subjects', 'nothing,stock,nothing')?.values.subjects, ['stock', 'nothing']);
  t.throws(() => parse('--subjects', 'theirs'), { code: 'USAGE', message: /--subjects.*stock/ });
  t.throws(() => parse('--nodes', '10,x'), { code: 'USAGE', message: /--nodes/ });
  t.equal(needsOurs({ subjects: ['stock', 'nothing'] }), false);
  t.equal(needsOurs({ subjects: ['stock', 'ours-unguarded'] }), true);
  t.end();
});
