import t from 'tap';

import { networkOf, OpenConnections } from './networks.ts';
import { TokenBuckets, type Rate } from './rates.ts';

function bucketsOf(rate: Rate) {
  const clock = { ms: 1_000, now: () => clock.ms };
  return { clock, buckets: new TokenBuckets(rate, clock) };
}

void t.test('all or none, refilled steadily, never beyond what there is at once', (t) => {
  const { clock, buckets } = bucketsOf({ amount: 3, periodMs: 1_500 });
  t.same(
    Array.from({ length: 4 }, () => buckets.take('a')),
    [0, 0, 0, 500],
  );
  t.equal(buckets.take('b', 2), 0, 'each key has its own');
  t.equal(buckets.take('b', 2), 500, 'not the one that is there');
  t.equal(buckets.take('b'), 0, 'a refusal cost nothing');
  clock.ms += 499;
  t.ok(buckets.take('a') > 0);
  clock.ms += 1;
  t.equal(buckets.take('a'), 0);
  t.equal(buckets.take('a'), 500);
  clock.ms += 1e9;
  t.same(
    Array.from({ length: 4 }, () => buckets.take('a')),
    [0, 0, 0, 500],
  );
  t.end();
});

void t.test('what is asked for, and what is owed', (t) => {
  const { clock, buckets } = bucketsOf({ amount: 10, periodMs: 1_000 });
  t.equal(buckets.waitMs('a', 10), 0);
  buckets.charge('a', 10);
  t.equal(buckets.waitMs('a'), 100);
  clock.ms += 500;
  t.equal(buckets.waitMs('a', 5), 0);
  t.equal(buckets.waitMs('a', 6), 100);
  t.equal(buckets.waitMs('a', 100), 500, 'more than there ever is waits for all there can be');
  buckets.charge('a', 25);
  t.equal(buckets.waitMs('a'), 2_100, 'a debt is paid back first');
  clock.ms -= 5_000;
  t.equal(buckets.waitMs('a'), 2_100, 'a clock that is set back refills nothing');
  clock.ms += 500_000;
  t.equal(buckets.take('a', 11), 0, 'a full bucket lets through what is more than it ever holds');
  t.equal(buckets.waitMs('a'), 200, 'which is owed then');
  t.end();
});

void t.test('what was not seen for longest is forgotten', (t) => {
  const { buckets } = bucketsOf({ amount: 10, periodMs: 1_000 });
  buckets.take('a');
  for (let i = 0; i < 19_999; i += 1) buckets.take(`other-${i}`);
  t.equal(buckets.waitMs('a', 10), 100);
  buckets.take('one-more');
  t.equal(buckets.waitMs('a', 10), 0);
  t.equal(buckets.waitMs('other-0', 10), 100);
  t.end();
});

void t.test('networks are told apart by what one host has', (t) => {
  t.equal(networkOf('10.0.0.1'), '10.0.0.1');
  t.not(networkOf('10.0.0.1'), networkOf('10.0.0.2'));
  t.equal(networkOf('::ffff:10.0.0.1'), '10.0.0.1');
  t.equal(networkOf('::FFFF:10.0.0.1'), '10.0.0.1');
  t.equal(networkOf('2001:db8:1:2:3:4:5:6'), networkOf('2001:db8:1:2::1'));
  t.equal(networkOf('2001:db8::1'), networkOf('2001:db8:0:0:1::'));
  t.not(networkOf('2001:db8:1:2::1'), networkOf('2001:db8:1:3::1'));
  t.equal(networkOf('fe80::1%eth0'), 'fe80:0:0:0');
  t.equal(networkOf('::1'), '0:0:0:0');
  t.equal(networkOf(undefined), '');
  t.end();
});

void t.test('connections are counted while they are open', (t) => {
  const open = new OpenConnections();
  t.same([open.enter('a'), open.enter('a'), open.enter('b')], [1, 2, 1]);
  open.leave('a');
  t.equal(open.enter('a'), 2);
  open.leave('a');
  open.leave('a');
  open.leave('a');
  t.equal(open.enter('a'), 1);
  t.end();
});
