// Starts etcd as a child in a folder, says its pid, and stays: `node owner.ts DIR ETCD`. Exits on SIGUSR2.
import { join } from 'node:path';
import { Children } from '../children.ts';
import { freePorts } from '../ports.ts';

const [dir = '', etcd = ''] = process.argv.slice(2);
const [client = 0, peer = 0] = await freePorts(2);
const children = new Children(dir, ({ lastLines }) => {
  console.error(lastLines);
});
const peerUrl = `http://127.0.0.1:${peer}`;
const { pid } = await children.start('etcd', etcd, [
  `--data-dir=${join(dir, 'etcd')}`,
  `--listen-client-urls=http://127.0.0.1:${client}`,
  `--advertise-client-urls=http://127.0.0.1:${client}`,
  `--listen-peer-urls=${peerUrl}`,
  `--initial-advertise-peer-urls=${peerUrl}`,
  `--initial-cluster=default=${peerUrl}`,
]);
process.once('SIGUSR2', () => process.exit(0));
console.log(pid);
