import { Option, type Command } from 'commander';

import { CONFIG, JSON_OUTPUT } from './options.ts';
import type { SourceOptions } from '../secret/inspect.ts';
import type { CreatePolicyOptions, PolicyOptions } from '../secret/policy.ts';
import type { RecoverOptions } from '../secret/recover.ts';
import type { RotateOptions, SealOptions } from '../secret/seal.ts';
import type { SecretOptions } from '../secret/world.ts';

// Only declares; what a command does is loaded when it is called.

const collect = (value: string, before: readonly string[] | undefined): readonly string[] => [
  ...(before ?? []),
  value,
];

const examples = (...lines: readonly string[]): string =>
  `\nExamples:\n${lines.map((line) => `  ${line}`).join('\n')}\n`;

function online(command: Command): Command {
  return command.option(...CONFIG).option(...JSON_OUTPUT);
}

function signed(command: Command): Command {
  return online(command).option(
    '--sui-key <file>',
    'Sui key of the owner (suiprivkey…); client.suiKeyFile otherwise',
  );
}

function sealing(command: Command): Command {
  return online(command).option(
    '--seal-config <file>',
    'what `daas secret config` printed; DAAS_SEAL_CONFIG or client.sealConfigFile otherwise',
  );
}

/** Not of what needs the chain: to rotate, to recover. */
function alsoOffline(command: Command): Command {
  return command.option('--offline', 'ask nobody: neither chain nor key servers nor API server');
}

/** Values of a Secret, as kubectl takes them. */
function withValues(command: Command): Command {
  return sealing(command)
    .option(
      '-n, --namespace <namespace>',
      "of the Secret and its pods; the policy's or the manifest's otherwise",
    )
    .option('--service-account <name>', "of the pods; the policy's otherwise")
    .requiredOption('--policy <id>', 'who may open it: an object on chain')
    .option('--from-literal <key=value>', 'a value; may be repeated', collect)
    .option('--from-file <[key=]path>', 'a file, or all files of a folder; may be repeated', collect)
    .option('--from-env-file <path>', 'lines KEY=VALUE; - reads standard input; may be repeated', collect)
    .option('--type <type>', 'Opaque or kubernetes.io/tls')
    .option('--cert <file>', 'PEM certificate of a TLS secret')
    .option('--key <file>', 'PEM key of a TLS secret')
    .option('--threshold <weight>', "more than the cluster's threshold")
    .addOption(new Option('-o, --output <format>', 'format').choices(['yaml', 'json']).default('yaml'));
}

function withTerms(command: Command): Command {
  return signed(command)
    .option(
      '--config-version <n>',
      'enclave image that may place its pods, by config version; may be repeated',
      collect,
    )
    .option('--stake-min <mist>', 'least stake behind a node')
    .option('--node <stake:key>', 'a node that may have it, or any; may be repeated', collect)
    .option('--not-before <time>', 'opens from then: RFC 3339, or from now as +1h')
    .option('--not-after <time>', 'opens until then')
    .option('--uses <n>', 'how many pods may open it')
    .option('--renewals <n>', 'how often one pod may ask again')
    .option('--grant-seconds <n>', 'how long a grant lasts, 1 to 86400')
    .option('--image <digest>', 'a container image that may run, sha256:…, or any; may be repeated', collect);
}

/** `daas secret …`: for the author of a workload. */
export function addSecretCommands(secret: Command): void {
  addSealing(secret);
  addPolicies(secret.command('policy').description('who may open secrets: policies on chain'));
  addReading(secret);
  addRevoking(secret);
}

function addSealing(secret: Command): void {
  alsoOffline(withValues(secret.command('seal [name]')))
    .option('--secret-version <n>', "version of the policy's secrets; the newest, or 1 offline")
    .description('print a Secret of ciphertext, sealed for the pods of one policy')
    .addHelpText(
      'after',
      examples(
        'daas secret seal db -n app --service-account api --policy 0x… --from-literal password=… | kubectl apply -f -',
        'kubectl create secret generic db --from-file=ca.pem --dry-run=client -o yaml | daas secret seal --policy 0x…',
        'daas secret seal web -n app --service-account web --policy 0x… --cert tls.crt --key tls.key',
        'daas secret seal db … --offline --seal-config seal-config.yaml',
      ),
    )
    .action(async (name: string | undefined, options: SealOptions) => {
      const { sealSecret } = await import('../secret/seal.ts');
      await sealSecret(name, options);
    });
  withValues(secret.command('rotate [name]'))
    .option('--sui-key <file>', 'Sui key of the policy owner; client.suiKeyFile otherwise')
    .description("begin the next version on chain, seal new values to it, and sign it as the policy's owner")
    .addHelpText(
      'after',
      examples('daas secret rotate db --policy 0x… --from-file password | kubectl apply -f -'),
    )
    .action(async (name: string | undefined, options: RotateOptions) => {
      const { rotateSecret } = await import('../secret/seal.ts');
      await rotateSecret(name, options);
    });
  online(secret.command('config'))
    .description('print what others seal by, verified with the chain and every key server')
    .addHelpText('after', examples('daas secret config > seal-config.yaml'))
    .action(async (options: SecretOptions) => {
      const { printSealConfig } = await import('../secret/config.ts');
      await printSealConfig(options);
    });
}

function addPolicies(policy: Command): void {
  withTerms(policy.command('create'))
    .description('a policy of your own; prints its id')
    .requiredOption('-n, --namespace <namespace>', 'of the pods')
    .requiredOption('--service-account <name>', 'of the pods')
    .option('--service-account-uid <uid>', 'this very service account, and no later one of that name')
    .addHelpText(
      'after',
      examples(
        'daas secret policy create -n app --service-account api --uses 100 --not-after +30d',
        'daas secret policy create -n app --service-account api --image registry/api@sha256:… --stake-min 1000000000',
      ),
    )
    .action(async (options: CreatePolicyOptions) => {
      const { createPolicy } = await import('../secret/policy.ts');
      await createPolicy(options);
    });
  online(policy.command('show <id>'))
    .description('a policy, its terms and how often it was used')
    .action(async (id: string, options: SecretOptions) => {
      const { showPolicy } = await import('../secret/policy.ts');
      await showPolicy(id, options);
    });
  withTerms(policy.command('update <id>'))
    .description('change terms; those that are not named stay')
    .addHelpText(
      'after',
      examples('daas secret policy update 0x… --uses 500', 'daas secret policy update 0x… --node any'),
    )
    .action(async (id: string, options: PolicyOptions) => {
      const { updatePolicy } = await import('../secret/policy.ts');
      await updatePolicy(id, options);
    });
}

function addReading(secret: Command): void {
  alsoOffline(sealing(secret.command('inspect [name]')))
    .option('-f, --file <file>', 'a manifest; standard input unless a name is given')
    .option('-n, --namespace <namespace>', 'of a Secret in the cluster', 'default')
    .description('what a sealed Secret says of itself, checked as admission does; exit code 1 if it fails')
    .addHelpText('after', examples('daas secret inspect -f secret.yaml', 'daas secret inspect db -n app'))
    .action(async (name: string | undefined, options: SourceOptions) => {
      const { inspectSecret } = await import('../secret/inspect.ts');
      process.exitCode = await inspectSecret(name, options);
    });
  sealing(secret.command('recover [name]'))
    .option('--sui-key <file>', 'Sui key of the policy owner; client.suiKeyFile otherwise')
    .option('-f, --file <file>', 'a manifest; standard input unless a name is given')
    .option('-n, --namespace <namespace>', 'of a Secret in the cluster', 'default')
    .option('--out-dir <dir>', 'write each value into a file there, 0600')
    .option('--only <key>', 'write this value to standard output')
    .addOption(new Option('-o, --output <format>', 'print a Secret of plaintext').choices(['yaml', 'json']))
    .description("break-glass: open your own secrets as the policy's owner; leaves an event on chain")
    .addHelpText('after', examples('daas secret recover -f secret.yaml --only password'))
    .action(async (name: string | undefined, options: RecoverOptions) => {
      const { recoverSecret } = await import('../secret/recover.ts');
      await recoverSecret(name, options);
    });
}

function addRevoking(secret: Command): void {
  signed(secret.command('revoke-grants <policy>'))
    .description('void every grant made so far; pods must ask anew')
    .action(async (id: string, options: SecretOptions) => {
      const { revokeGrants } = await import('../secret/policy.ts');
      await revokeGrants(id, options);
    });
  signed(secret.command('retire <policy>'))
    .description('open no version any more but the newest')
    .option('--below <version>', 'only those below this one')
    .action(async (id: string, options: SecretOptions & { below?: string }) => {
      const { retireVersions } = await import('../secret/policy.ts');
      await retireVersions(id, options);
    });
}
