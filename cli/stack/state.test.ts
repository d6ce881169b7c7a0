import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import t from 'tap';

import { loadState, saveState } from './state.ts';

const dir = mkdtempSync(join(tmpdir(), 'daas-state-'));
t.teardown(() => {
  rmSync(dir, { recursive: true, force: true });
});
const write = (state: unknown): void => {
  writeFileSync(join(dir, 'installation.json'), JSON.stringify(state));
};

const id = `0x${'ab'.repeat(32)}`;
const ports = {
  apiServer: 12_001,
  ledger: 12_002,
  webhook: 12_003,
  extender: 12_004,
  bootstrap: 12_005,
  proxy: 12_006,
  broker: 12_007,
  relay: 12_008,
  keyServers: [12_009, 12_010, 12_011] as [number, number, number],
};
const chain = {
  chainId: 'c',
  packageId: id,
  cluster: id,
  cap: id,
  operatorSecret: 's',
  seal: { packageId: id, keyServers: [id, id, id] as [string, string, string] },
};

void t.test('the state of an installation', async (t) => {
  t.equal(await loadState(dir), null);

  const state = { version: 3, ports, chain } as const;
  await saveState(dir, state);
  t.same(await loadState(dir), state);

  for (const other of [
    { version: 2, ports, chain },
    { version: 3, ports: { ...ports, relay: 0 }, chain },
    {},
  ]) {
    write(other);
    await t.rejects(loadState(dir), { code: 'DATA_DIR_UNUSABLE' });
  }
});
