import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { actionCode } from './actions.ts';

const MOVE = join(import.meta.dirname, '..', '..', 'move');
const TEMPLATES = join(import.meta.dirname, '..', 'testdata', 'differential');
/** Our packages become modules of one: the driver needs what is visible in the package only. */
const MANIFEST = `[package]
name = "differential"
edition = "2024.beta"

[dependencies]
Sui = { git = "https://github.com/MystenLabs/sui.git", subdir = "crates/sui-framework/packages/sui-framework", rev = "framework/mainnet" }

[addresses]
k3s_daas = "0x0"
k3s_daas_upgrades = "0xda1"
seal_key_server = "0xda2"
`;

export interface ScratchPackage {
  readonly dir: string;
  remove(): Promise<void>;
}

/** A package in a temporary folder with these files, ready for generated tests. */
async function scratchPackage(files: Readonly<Record<string, string>>): Promise<ScratchPackage> {
  const dir = await mkdtemp(join(tmpdir(), 'daas-differential-'));
  await mkdir(join(dir, 'sources'));
  await mkdir(join(dir, 'tests'));
  for (const [path, content] of Object.entries(files)) await writeFile(join(dir, path), content);
  return { dir, remove: () => rm(dir, { recursive: true, force: true }) };
}

/** All our packages, the driver over them, and modules that need no packages, by name. */
export async function driverPackage(others: Readonly<Record<string, string>> = {}): Promise<ScratchPackage> {
  const template = await readFile(join(TEMPLATES, 'driver.move.template'), 'utf8');
  const sources = Object.entries(others).map(([name, code]) => [`sources/${name}.move`, code] as const);
  const made = await scratchPackage({
    ...Object.fromEntries<string>(sources),
    'Move.toml': MANIFEST,
    'sources/driver.move': template.replace('%%ACTIONS%%', actionCode),
  });
  for (const name of ['daas', 'upgrades', 'seal_key_server'])
    await cp(join(MOVE, name, 'sources'), join(made.dir, 'sources', name), { recursive: true });
  return made;
}
