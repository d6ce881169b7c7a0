import { open } from 'node:fs/promises';
import { writeFile } from 'node:fs/promises';

import { accountsFromKeyFile, addressOf, generateAccount, type Account } from '@k3s-daas/sui-client';

import { CliError } from './errors.ts';

const BYTES_MAX = 1 << 18;
const OTHERS = 0o077;

/**
 * The account in a key file (see `accountsFromKeyFile`). A file that others of this machine can read is refused.
 * @param address which of them, where the file is a keystore with several.
 */
export async function readKeyFile(file: string, address: string | undefined): Promise<Account> {
  const text = await readPrivate(file);
  let accounts: readonly Account[];
  try {
    accounts = accountsFromKeyFile(text);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw unusable(file, why, 'it is one line suiprivkey1… (sui keytool export), or a sui.keystore', cause);
  }
  const wanted = accounts.filter((account) => address === undefined || addressOf(account) === address);
  const [account, ...others] = wanted;
  if (account !== undefined && others.length === 0) return account;
  const addresses = accounts.map(addressOf).join(', ');
  throw account === undefined
    ? unusable(file, `it has no key of ${String(address)}`, `it has those of ${addresses}`)
    : unusable(file, 'it has several keys', `choose with --address one of ${addresses}`);
}

/** Makes a new account in a new file that only its owner reads. */
export async function createKeyFile(file: string): Promise<Account> {
  const account = generateAccount();
  try {
    await writeFile(file, `${account.getSecretKey()}\n`, { mode: 0o600, flag: 'wx' });
  } catch (cause) {
    throw unusable(file, 'it cannot be created', 'choose a new file in an existing folder', cause);
  }
  return account;
}

async function readPrivate(file: string): Promise<string> {
  let handle: Awaited<ReturnType<typeof open>>;
  try {
    handle = await open(file, 'r');
  } catch (cause) {
    throw new CliError('FILE_UNREADABLE', `${file} cannot be read`, 'check the path and its permissions', {
      cause,
    });
  }
  try {
    // Of the open file, so that it is the one that is read.
    const { mode, size } = await handle.stat();
    if ((mode & OTHERS) !== 0 && process.platform !== 'win32')
      throw unusable(file, `its mode ${(mode & 0o777).toString(8)} lets others have it`, `chmod 600 ${file}`);
    if (size > BYTES_MAX) throw unusable(file, 'it is too large', 'name a key file');
    return await handle.readFile('utf8');
  } catch (cause) {
    if (cause instanceof CliError) throw cause;
    throw unusable(file, 'it cannot be read', 'name a key file', cause);
  } finally {
    await handle.close();
  }
}

function unusable(file: string, why: string, remedy: string, cause?: unknown): CliError {
  return new CliError('KEY_UNUSABLE', `the key file ${file} is not used: ${why}`, remedy, { cause });
}
