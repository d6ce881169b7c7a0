import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import t, { type Test } from 'tap';

import { freePorts } from '@k3s-daas/control-plane';

import { guestFiles } from './bridge/guest.ts';
import { bridgeCommands } from './bridge/host-bridge.ts';
import { guestForwards, hostForwards, installationServer, parseEgress, type Egress } from './bridge/plan.ts';
import { ImageError } from './errors.ts';
import { takeInstallation } from './guest/installation.ts';
import { makeInstallation } from './installation.ts';

const EGRESS = readFileSync(new URL('guest/egress.json', import.meta.url), 'utf8');
const MAIN = fileURLToPath(new URL('../main.ts', import.meta.url));
const INIT = fileURLToPath(new URL('guest/init', import.meta.url));
const HOST_BRIDGE = fileURLToPath(new URL('bridge/host-bridge.ts', import.meta.url));

function folder(t: Test): string {
  const path = mkdtempSync(join(tmpdir(), 'daas-bridge-test-'));
  t.teardown(() => {
    rmSync(path, { recursive: true, force: true });
  });
  return path;
}

function hasProgram(name: string, argument: string): boolean {
  try {
    execFileSync(name, [argument], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

void t.test('the allow-list becomes one process for each entry, and nothing else', (t) => {
  const egress = parseEgress(EGRESS);
  const options = 'fork,reuseaddr,max-children=256';
  t.strictSame(
    guestForwards(egress).map(({ listen, connect }) => `${listen} ${connect}`),
    [
      `TCP4-LISTEN:6443,bind=127.0.0.2,${options} VSOCK-CONNECT:3:7001`,
      `TCP4-LISTEN:443,bind=127.0.0.3,${options} VSOCK-CONNECT:3:7002`,
      `VSOCK-LISTEN:8443,${options} TCP4:127.0.0.1:8443`,
      `VSOCK-LISTEN:8080,${options} TCP4:127.0.0.1:8080`,
      `VSOCK-LISTEN:8445,${options} TCP4:127.0.0.1:8445`,
    ],
  );
  const files = new Map(guestFiles(EGRESS));
  t.equal(
    files.get('etc/hosts'),
    '127.0.0.1 localhost\n127.0.0.2 kubernetes.default.svc\n127.0.0.3 fullnode.testnet.sui.io\n',
  );
  t.equal(files.get('etc/nsswitch.conf'), 'hosts: files\n', 'no DNS');
  t.notOk(files.has('etc/resolv.conf'));
  t.equal(files.get('etc/daas/host'), 'HOST_CID=3\nINSTALLATION_PORT=7000\n');
  t.match(
    files.get('etc/daas/forwards'),
    /^kubernetes\.default\.svc TCP4-LISTEN:6443,bind=127\.0\.0\.2,\S+ VSOCK-CONNECT:3:7001\n/,
  );

  const host = { guestCid: 16, bind: '10.0.0.5', destinations: new Map<string, string>() };
  const elsewhere = new Map([['kubernetes.default.svc', '10.1.1.1:6443']]);
  t.strictSame(
    hostForwards(egress, { ...host, destinations: elsewhere }).map(
      ({ listen, connect }) => `${listen} ${connect}`,
    ),
    [
      `VSOCK-LISTEN:7001,${options} TCP4:10.1.1.1:6443`,
      `VSOCK-LISTEN:7002,${options} TCP4:fullnode.testnet.sui.io:443`,
      `TCP4-LISTEN:8443,bind=10.0.0.5,${options} VSOCK-CONNECT:16:8443`,
      `TCP4-LISTEN:8080,bind=10.0.0.5,${options} VSOCK-CONNECT:16:8080`,
      `TCP4-LISTEN:8445,bind=10.0.0.5,${options} VSOCK-CONNECT:16:8445`,
    ],
  );
  const stranger = new Map([['evil.example', '10.1.1.1:1']]);
  t.throws(() => hostForwards(egress, { ...host, destinations: stranger }), { code: 'BRIDGE_MALFORMED' });
  t.strictSame(installationServer(egress, '/srv/i.json'), [
    '-U',
    `VSOCK-LISTEN:7000,${options}`,
    'OPEN:/srv/i.json,rdonly',
  ]);
  t.end();
});

void t.test('an allow-list that says two things is refused', (t) => {
  const refused = (change: (value: Record<string, unknown>) => void, message: RegExp): void => {
    const value = JSON.parse(EGRESS) as Record<string, unknown>;
    change(value);
    t.throws(() => parseEgress(JSON.stringify(value)), { code: 'BRIDGE_MALFORMED', message });
  };
  const entry = { name: 'x', address: '127.0.0.9', port: 1, vsockPort: 7009 };
  const adding = (added: object) => (value: Record<string, unknown>) => {
    (value['outbound'] as object[]).push({ ...entry, ...added });
  };
  refused(adding({ name: 'kubernetes.default.svc' }), /name kubernetes\.default\.svc is taken twice/);
  refused(adding({ address: '127.0.0.2' }), /address 127\.0\.0\.2/);
  refused(adding({ address: '127.0.0.1' }), /address/);
  refused(adding({ address: '10.0.0.1' }), /address/);
  refused(adding({ vsockPort: 8443 }), /vsock port 8443/);
  refused(adding({ vsockPort: 9000 }), /vsock port 9000/);
  refused(adding({ vsockPort: 7000 }), /vsock port 7000/);
  refused(adding({ name: 'a b' }), /name/);
  refused(adding({ name: 'a,fork' }), /name/);
  refused(adding({ port: 0 }), /port/);
  refused(adding({ any: true }), /any/);
  refused((value) => (value['outbound'] = '*'), /outbound/);
  t.throws(() => parseEgress('*'), { code: 'BRIDGE_MALFORMED' });
  parseEgress(JSON.stringify(JSON.parse(EGRESS)));
  t.end();
});

/** Upper-cases what it gets, so that an answer shows who answered. */
async function upperCaser(t: Test, label: string): Promise<number> {
  const server = createServer((socket) => {
    socket.on('data', (data) => socket.write(`${label}:${data.toString().toUpperCase()}`));
    socket.on('error', () => socket.destroy());
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  return (server.address() as AddressInfo).port;
}

/** Connects, again and again for a while: a process that was just started does not listen yet. */
async function connected(address: string, port: number): Promise<Socket> {
  for (let attempt = 0; ; attempt++) {
    const socket = connect({ host: address, port });
    try {
      await once(socket, 'connect');
      socket.on('error', () => socket.destroy());
      return socket;
    } catch (error) {
      if (attempt === 100) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

async function ask(address: string, port: number, text: string): Promise<string> {
  for (let attempt = 0; ; attempt++) {
    const socket = await connected(address, port);
    socket.write(text);
    // A bridge accepts before its far side listens, and then closes.
    const answer = await new Promise<Buffer | null>((resolve) => {
      socket.once('data', resolve).once('close', () => {
        resolve(null);
      });
      socket.on('error', () => socket.destroy());
    });
    socket.destroy();
    if (answer !== null) return answer.toString();
    if (attempt === 100) throw new Error(`nobody answers behind ${address}:${port}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

function socat(t: Test, args: readonly string[]): ChildProcess {
  const child = spawn('socat', args, { stdio: ['ignore', 'pipe', 'inherit'] });
  t.teardown(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    await ended;
  });
  return child;
}

/** Both sides of a bridge on this machine, over what `side` makes of a vsock address. */
async function bridged(t: Test, side: (argument: string) => string): Promise<void> {
  const base = folder(t);
  const [outside, inside, installation, v1, v2, own, publicPort] = await freePorts(7);
  const egress: Egress = {
    hostCid: 1,
    installation: { vsockPort: Number(installation) },
    outbound: [{ name: 'api', address: '127.0.0.2', port: Number(outside), vsockPort: Number(v1) }],
    inbound: [{ name: 'extender', port: Number(own), vsockPort: Number(v2) }],
  };
  const api = await upperCaser(t, 'api');
  const extender = await upperCaser(t, 'extender');
  // On one machine the enclave's service and the host's offer of it cannot have the same port.
  const guest = guestForwards(egress).map(({ listen, connect }) => [
    listen,
    connect.replace(`TCP4:127.0.0.1:${own}`, `TCP4:127.0.0.1:${extender}`),
  ]);
  const host = hostForwards(egress, {
    guestCid: 1,
    bind: '127.0.0.1',
    destinations: new Map([['api', `127.0.0.1:${api}`]]),
  }).map(({ listen, connect }) => [listen.replace(`:${own},`, `:${publicPort},`), connect]);
  const file = join(base, 'installation.json');
  writeFileSync(file, '{"from":"host"}');
  for (const args of [...guest, ...host, installationServer(egress, file)]) socat(t, args.map(side));

  t.equal(await ask('127.0.0.2', Number(outside), 'list pods'), 'api:LIST PODS', 'outbound');
  t.equal(await ask('127.0.0.1', Number(publicPort), 'filter'), 'extender:FILTER', 'inbound');
  await t.rejects(
    once(connect({ host: '127.0.0.3', port: Number(outside) }), 'connect'),
    { code: 'ECONNREFUSED' },
    'no other address leads anywhere',
  );
  const taken = join(base, 'taken.json');
  const fetch = socat(t, ['-u', side(`VSOCK-CONNECT:1:${installation}`), `OPEN:${taken},creat,trunc`]);
  t.strictSame(await once(fetch, 'exit'), [0, null]);
  t.equal(readFileSync(taken, 'utf8'), '{"from":"host"}', 'what the init fetches');
  t.ok(inside, 'ports were free');
}

const noSocat = hasProgram('socat', '-V') ? false : 'no socat here';

void t.test('the generated processes carry bytes both ways, over TCP', { skip: noSocat }, async (t) => {
  await bridged(t, (argument) =>
    argument
      .replace(/^VSOCK-LISTEN:(\d+),/, 'TCP4-LISTEN:$1,bind=127.0.0.1,')
      .replace(/^VSOCK-CONNECT:1:(\d+)$/, 'TCP4:127.0.0.1:$1'),
  );
});

/** Why there is no vsock at all here, and why none to oneself; that needs the kernel's vsock_loopback. */
async function vsockHere(): Promise<{ listen: string | false; loopback: string | false }> {
  if (noSocat !== false) return { listen: noSocat, loopback: noSocat };
  const [vsockPort] = await freePorts(1);
  const listener = spawn('socat', ['-d', '-d', '-u', `VSOCK-LISTEN:${vsockPort},reuseaddr`, 'STDOUT'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  // It says that it listens, or ends.
  const listens = await new Promise<boolean>((resolve) => {
    let said = '';
    listener.stderr.on('data', (chunk: Buffer) => {
      said += chunk.toString();
      if (said.includes('listening on')) resolve(true);
    });
    listener.once('exit', () => {
      resolve(false);
    });
  });
  const loops = await new Promise<boolean>((resolve) => {
    const args = ['-u', '/dev/null', `VSOCK-CONNECT:1:${vsockPort},connect-timeout=10`];
    const probe = spawn('socat', args, { stdio: 'ignore', timeout: 30_000 });
    probe.once('exit', (code) => {
      resolve(code === 0);
    });
  });
  listener.kill('SIGKILL');
  return {
    listen: listens ? false : 'this kernel has no vsock',
    loopback: loops ? false : 'this kernel has no vsock loopback',
  };
}
const noVsock = await vsockHere();

void t.test('and over vsock', { skip: noVsock.loopback }, async (t) => {
  await bridged(t, (argument) => argument);
});

void t.test('the host bridge starts what the list says and refuses what is not plain', async (t) => {
  const whole = ['--cid', '16', '--installation', '/srv/installation.json'];
  const { commands, print } = await bridgeCommands([
    ...whole,
    '--to',
    'kubernetes.default.svc=10.0.0.10:6443',
  ]);
  t.equal(print, false);
  t.equal(commands.length, 6);
  t.strictSame(commands[0]?.slice(-1), ['OPEN:/srv/installation.json,rdonly']);
  t.strictSame(commands[1]?.slice(-1), ['TCP4:10.0.0.10:6443']);
  for (const args of [
    [],
    ['--cid', '16'],
    [...whole, '--cid', '0'],
    [...whole, '--to', 'kubernetes.default.svc'],
    [...whole, '--to', 'evil.example=1.2.3.4:1'],
    [...whole, '--to', 'kubernetes.default.svc=1.2.3.4:1,fork'],
    [...whole, '--bind', '::'],
    [...whole, '--installation', 'a,b'],
  ]) {
    await t.rejects(bridgeCommands(args), ImageError, args.slice(-2).join(' '));
  }
});

void t.test('it ends with all that it started', { skip: noVsock.listen }, async (t) => {
  const base = folder(t);
  const [port, installationPort, inboundPort] = await freePorts(3);
  writeFileSync(join(base, 'installation.json'), '{}');
  const egress = JSON.parse(EGRESS) as Record<string, unknown>;
  const inbound = [{ name: 'extender', port: Number(port), vsockPort: Number(inboundPort) }];
  const own = { ...egress, installation: { vsockPort: Number(installationPort) }, outbound: [], inbound };
  writeFileSync(join(base, 'egress.json'), JSON.stringify(own));
  const files = ['--installation', join(base, 'installation.json'), '--egress', join(base, 'egress.json')];
  const child = spawn(process.execPath, [HOST_BRIDGE, '--cid', '1', ...files], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  (await connected('127.0.0.1', Number(port))).destroy();
  child.kill('SIGTERM');
  t.strictSame(await once(child, 'exit'), [0, null]);
  await t.rejects(once(connect({ host: '127.0.0.1', port: Number(port) }), 'connect'), {
    code: 'ECONNREFUSED',
  });
});

const NOT_HERE = '-----BEGIN CERTIFICATE-----\n';
const ID = `0x${'ab'.repeat(32)}`;

function yaml(change: (text: string) => string = (text) => text): string {
  return change(`apiVersion: k3s-daas.io/v1alpha1
kind: DaaSConfiguration
cluster: { id: '${ID}', package: '${ID}', chainId: '69WiPg3DAQiwdxfncX6wYQ2siKwAe6L9BZthQea3JNMD' }
chain: { network: testnet, url: 'https://fullnode.testnet.sui.io:443', pollMs: 2000 }
kubernetes: { server: 'https://kubernetes.default.svc:6443', caFile: pki/ca.crt }
policy: { capacity: { cpuMilli: 16000, memoryBytes: 34359738368 } }
enclave:
  listen: { host: 127.0.0.1, port: 8443 }
  bootstrap: { host: 127.0.0.1, port: 8080 }
  broker: { listen: { host: 127.0.0.1, port: 8445 } }
  dataDir: data
  clientCaFile: clients.crt
  nsm: { kind: device }
client:
  { kubeconfig: k, enclaveUrl: 'https://a', bootstrapUrl: 'http://a', certFile: c, keyFile: k, suiKeyFile: secret }
`);
}

void t.test('the installation: what the host hands over and what the enclave takes', async (t) => {
  const base = folder(t);
  const file = join(base, 'daas.yaml');
  mkdirSync(join(base, 'pki'));
  writeFileSync(join(base, 'pki/ca.crt'), `${NOT_HERE}ca`);
  writeFileSync(join(base, 'clients.crt'), `${NOT_HERE}clients`);
  const egress = parseEgress(EGRESS);
  const make = async (change?: (text: string) => string): Promise<string> => {
    writeFileSync(file, yaml(change));
    return makeInstallation(file, egress);
  };
  const text = await make();
  t.notMatch(text, /kubeconfig|suiKeyFile|secret/, 'other sections stay with the operator');

  const given = join(base, 'installation.json');
  const take = (content: string, name: string) => {
    writeFileSync(given, content);
    return takeInstallation(given, join(base, name));
  };
  const { configuration, enclave, path } = await take(text, 'taken');
  t.equal(configuration.kubernetes.server, 'https://kubernetes.default.svc:6443');
  t.equal(readFileSync(path(configuration.kubernetes.caFile), 'utf8'), `${NOT_HERE}ca`);
  t.equal(readFileSync(path(enclave.clientCaFile), 'utf8'), `${NOT_HERE}clients`);
  t.equal(path(enclave.dataDir), '/var/lib/daas/data');
  const bare = await make((y) => y.replace(/ {2}broker: .*\n/, ''));
  t.notMatch(bare, /broker/, 'an enclave may have none');
  t.equal(statSync(join(base, 'taken')).mode & 0o777, 0o700);
  await t.rejects(take(text, 'taken'), { code: 'EEXIST' }, 'never over another one');

  for (const [what, change, message] of [
    ['another API server', (y: string) => y.replace('svc:6443', 'svc:443'), /kubernetes\.server leads to/],
    ['another chain endpoint', (y: string) => y.replace('fullnode.testnet', 'evil'), /chain\.url leads to/],
    ['another port', (y: string) => y.replace('port: 8443', 'port: 9443'), /extender listens at/],
    ['another port of the broker', (y: string) => y.replace('8445', '8446'), /broker listens at/],
    ['another address', (y: string) => y.replace('host: 127.0.0.1', 'host: 0.0.0.0'), /extender listens/],
    [
      'the development NSM',
      (y: string) =>
        y
          .replace('kind: device', 'kind: development, authorityFile: a')
          .replace('testnet', 'localnet')
          // A public network is known by its chain id, too.
          .replace('69WiPg3DAQiwdxfncX6wYQ2siKwAe6L9BZthQea3JNMD', '11111111111111111111111111111111'),
      /nsm\.kind/,
    ],
  ] as const) {
    await t.rejects(make(change), { code: 'INSTALLATION_UNFIT', message }, what);
  }

  const altered = (
    change: (value: { files: Record<string, unknown>; configuration: unknown }) => void,
  ): string => {
    const value = JSON.parse(text) as { files: Record<string, unknown>; configuration: unknown };
    change(value);
    return JSON.stringify(value);
  };
  for (const [what, content] of [
    ['no JSON', 'daas'],
    ['a path upwards', altered((value) => (value.files['../x'] = ''))],
    ['an absolute path', altered((value) => (value.files['/etc/hosts'] = ''))],
    ['a file that is no text', altered((value) => (value.files['a'] = 1))],
    [
      'too many files',
      altered(
        (value) => (value.files = Object.fromEntries(Array.from({ length: 17 }, (_, n) => [`f${n}`, '']))),
      ),
    ],
    ['no enclave', altered((value) => delete (value.configuration as Record<string, unknown>)['enclave'])],
    ['more than a mebibyte', text.padEnd((1 << 20) + 1)],
    ['an unknown field', altered((value) => Object.assign(value, { command: 'sh' }))],
  ] as const) {
    await t.rejects(take(content, 'refused'), { code: 'INSTALLATION_MALFORMED' }, what);
  }
  await t.rejects(
    take(
      altered((value) => (value.configuration = {})),
      'refused',
    ),
    { code: 'CONFIG_MALFORMED' },
  );
  await t.rejects(takeInstallation(join(base, 'absent'), join(base, 'refused')), {
    code: 'INSTALLATION_UNREADABLE',
  });
  t.throws(() => statSync(join(base, 'refused')), { code: 'ENOENT' }, 'nothing was written');
});

async function runMain(...args: string[]): Promise<{ code: unknown; output: string }> {
  // Without tap's hooks, which write into this checkout: the user that it becomes may not.
  const command = ['-u', 'NODE_OPTIONS', process.execPath, MAIN, ...args];
  const child = spawn('env', command, { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  const [code] = (await once(child, 'close')) as [unknown];
  return { code, output };
}

void t.test('the entry point', async (t) => {
  const base = folder(t);
  t.match(await runMain(), { code: 2, output: /usage/ });
  const closed = join(base, 'closed');
  mkdirSync(closed, { mode: 0o700 });
  writeFileSync(join(closed, 'installation.json'), '{}');
  chmodSync(base, 0o755);
  const run = () => runMain(join(closed, 'installation.json'), join(base, 'files'));
  await t.test('gives up root first', { skip: process.getuid?.() === 0 ? false : 'not root' }, async (t) => {
    t.match(await run(), { code: 1, output: /"code":"INSTALLATION_UNREADABLE"/ }, 'root could have read it');
    chownSync(closed, 1_000, 1_000);
  });
  t.match(await run(), { code: 1, output: /"code":"INSTALLATION_MALFORMED"/ }, 'its owner can');
});

void t.test(
  'the init is plain POSIX sh',
  { skip: hasProgram('shellcheck', '--version') ? false : 'no shellcheck here' },
  (t) => {
    t.equal(execFileSync('shellcheck', ['--shell=sh', INIT], { encoding: 'utf8' }), '');
    t.end();
  },
);
