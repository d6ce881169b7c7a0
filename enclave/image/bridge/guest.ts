import { guestForwards, parseEgress } from './plan.ts';

/** The files that the bridge needs inside, made from egress.json; [path, text]. */
export function guestFiles(egressText: string): [string, string][] {
  const egress = parseEgress(egressText);
  const hosts = ['127.0.0.1 localhost', ...egress.outbound.map(({ name, address }) => `${address} ${name}`)];
  const forwards = guestForwards(egress).map(({ name, listen, connect }) => `${name} ${listen} ${connect}`);
  return [
    ['etc/hosts', lines(hosts)],
    // No DNS: a name that is not in /etc/hosts does not exist.
    ['etc/nsswitch.conf', 'hosts: files\n'],
    ['etc/passwd', 'root:x:0:0::/:/bin/sh\ndaas:x:1000:1000::/run/daas:/bin/false\n'],
    ['etc/group', 'root:x:0:\ndaas:x:1000:\n'],
    ['etc/daas/forwards', lines(forwards)],
    ['etc/daas/host', `HOST_CID=${egress.hostCid}\nINSTALLATION_PORT=${egress.installation.vsockPort}\n`],
  ];
}

function lines(texts: readonly string[]): string {
  return texts.map((text) => `${text}\n`).join('');
}
