import t from 'tap';

import { parseHierarchies } from './cgroups.ts';

void t.test('hierarchies of version 1, as distributions mount them', (t) => {
  // Debian with systemd in hybrid mode, shortened; an escaped space in a mount point that is not ours.
  const mountinfo = `22 28 0:20 / /sys rw,nosuid shared:7 - sysfs sysfs rw
31 22 0:26 / /sys/fs/cgroup ro,nosuid shared:9 - tmpfs tmpfs ro,mode=755
32 31 0:27 / /sys/fs/cgroup/unified rw shared:10 - cgroup2 cgroup2 rw,nsdelegate
33 31 0:28 / /sys/fs/cgroup/systemd rw shared:11 - cgroup cgroup rw,xattr,name=systemd
36 31 0:31 / /sys/fs/cgroup/cpu,cpuacct rw shared:15 - cgroup cgroup rw,cpu,cpuacct
37 31 0:32 / /sys/fs/cgroup/memory rw shared:16 - cgroup cgroup rw,memory
90 28 8:1 / /media/a\\040disk rw - ext4 /dev/sda1 rw
`;
  const membership = `9:memory:/user.slice
4:cpu,cpuacct:/
1:name=systemd:/user.slice/session-1.scope
0::/user.slice/session-1.scope
`;
  t.same(parseHierarchies(mountinfo, membership), [
    {
      options: 'none,name=systemd',
      names: ['systemd'],
      own: '/sys/fs/cgroup/systemd/user.slice/session-1.scope',
    },
    { options: 'cpu,cpuacct', names: ['cpu,cpuacct', 'cpu', 'cpuacct'], own: '/sys/fs/cgroup/cpu,cpuacct' },
    { options: 'memory', names: ['memory'], own: '/sys/fs/cgroup/memory/user.slice' },
  ]);
  t.end();
});

void t.test('in a container, whose mounts begin at its own group', (t) => {
  const mountinfo = '50 49 0:32 /docker/4f /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n';
  t.same(parseHierarchies(mountinfo, '9:memory:/docker/4f\n'), [
    { options: 'memory', names: ['memory'], own: '/sys/fs/cgroup/memory' },
  ]);
  t.same(parseHierarchies('29 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n', '0::/init.scope\n'), []);
  t.end();
});
