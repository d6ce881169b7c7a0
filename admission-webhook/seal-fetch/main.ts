import manifest from './package.json' with { type: 'json' };

const HELP = `seal-fetch opens a pod's sealed secrets inside the pod (docs/seal-fetch.md).

The admission webhook of K3s-DaaS writes it into pods as their first init container.

  seal-fetch run      fetches the secrets that the variable DAAS_PLAN names; stays if they are to be refreshed
  seal-fetch ready    exits with 0 once they are in place, else with 1
  seal-fetch version
`;

const USAGE = 2;

async function main([command = 'run', ...rest]: readonly string[]): Promise<number> {
  if (rest.length > 0) return misused(rest.join(' '));
  switch (command) {
    case 'run':
    case 'ready': {
      const { run, ready } = await import('./run.ts');
      const pod = { plan: process.env.DAAS_PLAN, root: '/', signal: untilEnded(), print };
      return command === 'run' ? run(pod) : ready(pod);
    }
    case 'version':
    case '--version':
      process.stdout.write(`${manifest.version}\n`);
      return 0;
    case 'help':
    case '--help':
    case '-h':
      process.stdout.write(HELP);
      return 0;
    default:
      return misused(command);
  }
}

function misused(what: string): number {
  print(`USAGE: ${what} is not understood (see seal-fetch --help)`);
  return USAGE;
}

/** As the first process of a container it gets no signal that it does not ask for. */
function untilEnded(): AbortSignal {
  const ended = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const)
    process.on(signal, () => {
      ended.abort();
    });
  return ended.signal;
}

function print(line: string): void {
  process.stderr.write(`seal-fetch: ${line}\n`);
}

void main(process.argv.slice(2)).then((code) => {
  process.exit(code);
});
