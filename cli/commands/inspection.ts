import { Option, type Command } from 'commander';

import type { AttestationOptions, DocumentOptions } from './attestation.ts';
import { CONFIG, JSON_OUTPUT, type Common } from './options.ts';

// Only declares; what a command does is loaded when it is called.

/** What checks proofs, and what explains decisions. */
export function addInspection(program: Command): void {
  const verify = program.command('verify').description('check proofs');
  verify
    .command('pod <name>')
    .description('the proof of one placement: receipt, enclave, stake, and Move’s own verdict')
    .option('-n, --namespace <namespace>', 'namespace of the pod', 'default')
    .option(...CONFIG)
    .option(...JSON_OUTPUT)
    .action(async (name: string, options: { namespace: string } & Common) => {
      const { verifyPod } = await import('./verify-pod.ts');
      process.exitCode = await verifyPod(
        { json: options.json ?? false },
        options.config,
        options.namespace,
        name,
      );
    });
  verify
    .command('log <file>')
    .description('replay a decision log: hash chain, sequences, signatures, costs, shortlists, scores, lags')
    .option(...CONFIG)
    .option(...JSON_OUTPUT)
    .action(async (file: string, options: Common) => {
      const { verifyLog } = await import('./verify-log.ts');
      process.exitCode = await verifyLog({ json: options.json ?? false }, options.config, file);
    });
  verify
    .command('receipt <file>')
    .description('an exported receipt (JWS), with the key of its session as the chain holds it')
    .option(...CONFIG)
    .option(...JSON_OUTPUT)
    .action(async (file: string, options: Common) => {
      const { verifyReceiptFile } = await import('./receipt.ts');
      await verifyReceiptFile({ json: options.json ?? false }, options.config, file);
    });
  program
    .command('receipt')
    .description('receipts of placements')
    .command('export <pod>')
    .description('the receipt of a placement as JWS (RFC 7515), for readers of JSON and JOSE')
    .option('-n, --namespace <namespace>', 'namespace of the pod', 'default')
    .option('--out <file>', 'write it there instead of standard output')
    .option(...CONFIG)
    .action(async (pod: string, options: { namespace: string; out?: string } & Common) => {
      const { exportReceipt } = await import('./receipt.ts');
      await exportReceipt(options.config, options.namespace, pod, options.out);
    });
  const explain = program.command('explain').description('why things are where they are');
  explain
    .command('pod <name>')
    .description('why this node: shortlist, lags, scores, and who was left out')
    .option('-n, --namespace <namespace>', 'namespace of the pod', 'default')
    .option(...CONFIG)
    .option(...JSON_OUTPUT)
    .action(async (name: string, options: { namespace: string } & Common) => {
      const { explainPod } = await import('./explain-pod.ts');
      await explainPod({ json: options.json ?? false }, options.config, options.namespace, name);
    });
  explain
    .command('manifest <file>')
    .description('where a Pod manifest would be placed now; nothing is decided or changed')
    .option(...CONFIG)
    .option(...JSON_OUTPUT)
    .action(async (file: string, options: Common) => {
      const { explainManifest } = await import('./explain-manifest.ts');
      await explainManifest({ json: options.json ?? false }, options.config, file);
    });
  addAttestation(program.command('attestation').description('attestation documents of AWS Nitro enclaves'));
}

function addAttestation(attestation: Command): void {
  const encoding = (): Option =>
    new Option('--encoding <encoding>', 'how the file holds the document')
      .choices(['raw', 'base64', 'hex'])
      .default('raw');
  attestation
    .command('verify <file>')
    .description('verify a document against what is expected of it; `-` reads standard input')
    .requiredOption('--pcr0 <hex>', 'expected PCR0 (image), 96 hex digits')
    .requiredOption('--pcr1 <hex>', 'expected PCR1 (kernel and boot)')
    .requiredOption('--pcr2 <hex>', 'expected PCR2 (application)')
    .option(
      '--pcr <n=hex>',
      'another expected PCR, 3 to 31; may be repeated',
      (value: string, before: readonly string[]) => [...before, value],
      [],
    )
    .option('--nonce <hex>', 'expected nonce; where it is not given, any passes')
    .option('--user-data <hex>', 'expected user_data')
    .option('--public-key <hex>', 'expected public_key')
    .option('--root <pem>', 'trust anchor; the AWS Nitro root otherwise')
    .addOption(
      new Option(
        '--at <time>',
        'live: certificates valid `now`, at most --age-max old; or replay: at the time of the `document`',
      )
        .choices(['now', 'document'])
        .default('now'),
    )
    .option('--age-max <seconds>', 'oldest document taken with --at now', '300')
    .addOption(encoding())
    .option(...JSON_OUTPUT)
    .action(async (file: string, options: AttestationOptions & Common) => {
      const { verifyAttestationFile } = await import('./attestation.ts');
      await verifyAttestationFile({ json: options.json ?? false }, file, options);
    });
  attestation
    .command('show <file>')
    .description('what a document claims, in plain words; verifies nothing; `-` reads standard input')
    .addOption(encoding())
    .option(...JSON_OUTPUT)
    .action(async (file: string, options: DocumentOptions & Common) => {
      const { showAttestationFile } = await import('./attestation.ts');
      await showAttestationFile({ json: options.json ?? false }, file, options);
    });
}
