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
const ports = { apiServer: 12_001, ledger: 12_002, webhook: 12_003, extender: 12_004, bootstrap: 12_005 };
const chain = { chainId: 'c', packageId: id, cluster: id, cap: id, operatorSecret: 's' };

void t.test('the state of an installation', async (t) => {
  t.equal(await loadState(dir), null);

  write({ version: 1, ports, chain });
  const state = await loadState(dir);
  t.match(state, { version: 2, ports, chain }, 'one from before the attesting proxy is read');
  t.notOk(Object.values(ports).includes(state?.ports.proxy ?? 0), 'a port of its own for the proxy');

  if (state !== null) await saveState(dir, state);
  t.same(await loadState(dir), state, 'and kept from then on');

  for (const other of [{ version: 3, ports, chain }, { version: 2, ports, chain }, {}]) {
    write(other);
    await t.rejects(loadState(dir), { code: 'DATA_DIR_UNUSABLE' });
  }
});
