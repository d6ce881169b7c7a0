import { execFileSync } from 'node:child_process';
import { createPublicKey, X509Certificate } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { clientCertificateFromCsr, createAuthority, createServiceAccountKeys, loadAuthority } from './pki.ts';
import { temporaryDir } from './test/fixtures.ts';

// OpenSSL is the judge of what we sign, and the author of the requests we are asked to sign.
function openssl(args: readonly string[]): string {
  return execFileSync('openssl', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

function file(dir: string, name: string, text: string): string {
  writeFileSync(join(dir, name), text);
  return join(dir, name);
}

void t.test('server and client certificates', async (t) => {
  const dir = temporaryDir(t);
  const ca = await createAuthority('test-ca', { days: 2 });
  const other = await createAuthority('test-ca', { days: 2 });
  const caFile = file(dir, 'ca.crt', ca.certPem);
  const server = await ca.issue({
    commonName: 'api',
    usages: ['server'],
    hosts: ['localhost', 'kubernetes.default.svc'],
    ips: ['127.0.0.1', '10.96.0.1'],
    days: 1,
  });
  const serverFile = file(dir, 'server.crt', server.certPem);
  const verify = (purpose: string, ...more: string[]): string =>
    openssl(['verify', '-x509_strict', '-CAfile', caFile, '-purpose', purpose, ...more, serverFile]);
  t.match(verify('sslserver', '-verify_hostname', 'kubernetes.default.svc'), /: OK/);
  t.match(verify('sslserver', '-verify_ip', '10.96.0.1'), /: OK/);
  t.throws(() => verify('sslserver', '-verify_hostname', 'elsewhere'));
  t.throws(() => verify('sslclient'), 'a server certificate is not one of a client');
  const certificate = new X509Certificate(server.certPem);
  t.notOk(certificate.ca);
  t.ok(certificate.publicKey.equals(createPublicKey(server.keyPem)));
  t.notOk(certificate.verify(new X509Certificate(other.certPem).publicKey), 'the name alone is no signature');

  const client = await ca.issue({
    commonName: 'ann',
    organizations: ['g1', 'g,2'],
    usages: ['client'],
    days: 9,
  });
  const subject = openssl([
    'x509',
    '-noout',
    '-subject',
    '-nameopt',
    'sep_multiline,utf8',
    '-in',
    file(dir, 'c.crt', client.certPem),
  ]);
  t.same(
    subject
      .trim()
      .split(/\s*\n\s*/)
      .slice(1),
    ['O=g1', 'O=g,2', 'CN=ann'],
  );
  t.ok(new X509Certificate(client.certPem).validToDate <= ca.notAfter, 'no longer than its authority');

  const again = await loadAuthority(ca.certPem, ca.keyPem);
  const second = await again.issue({ commonName: 'bob', usages: ['client'], days: 1 });
  t.match(
    openssl(['verify', '-CAfile', caFile, '-purpose', 'sslclient', file(dir, 'b.crt', second.certPem)]),
    /: OK/,
  );
});

void t.test('time is the one that is given', async (t) => {
  const now = (): Date => new Date('2031-05-01T00:00:00Z');
  const ca = await createAuthority('future', { days: 3, now });
  t.equal(new X509Certificate(ca.certPem).validToDate.toISOString(), '2031-05-04T00:00:00.000Z');
  const leaf = await ca.issue({ commonName: 'x', usages: ['client'], days: 1 });
  t.equal(new X509Certificate(leaf.certPem).validToDate.toISOString(), '2031-05-02T00:00:00.000Z');
});

void t.test('certificate requests', async (t) => {
  const dir = temporaryDir(t);
  const ca = await createAuthority('test-ca');
  const caFile = file(dir, 'ca.crt', ca.certPem);
  const kinds: Record<string, string[]> = {
    'P-256': ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'],
    Ed25519: ['-newkey', 'ed25519'],
    'RSA 2048': ['-newkey', 'rsa:2048'],
  };
  for (const [kind, flags] of Object.entries(kinds)) {
    const request = join(dir, 'r.csr');
    const key = join(dir, 'r.key');
    openssl([
      'req',
      '-new',
      '-nodes',
      ...flags,
      '-keyout',
      key,
      '-out',
      request,
      '-subj',
      '/O=system:masters/CN=admin',
      '-addext',
      'subjectAltName=DNS:localhost',
      '-addext',
      'basicConstraints=critical,CA:TRUE',
    ]);
    const { certPem } = await clientCertificateFromCsr(ca, readFileSync(request, 'utf8'), {
      commonName: 'system:node:n1,O=system:masters',
      organizations: ['system:nodes'],
    });
    const certificate = new X509Certificate(certPem);
    t.match(
      openssl(['verify', '-CAfile', caFile, '-purpose', 'sslclient', file(dir, 'n.crt', certPem)]),
      /: OK/,
      kind,
    );
    t.ok(certificate.publicKey.equals(createPublicKey(readFileSync(key))), 'for the key of the request');
    t.equal(
      certificate.subject,
      'O=system:nodes\nCN=system:node:n1\\,O=system:masters',
      'the subject we dictate',
    );
    t.equal(certificate.subjectAltName, undefined, 'no extension of the request');
    t.notOk(certificate.ca);
  }

  const [begin = '', ...lines] = readFileSync(join(dir, 'r.csr'), 'utf8').trim().split('\n');
  const der = Buffer.from(lines.slice(0, -1).join(''), 'base64');
  const pem = (bytes: Buffer): string => `${begin}\n${bytes.toString('base64')}\n${lines.at(-1) ?? ''}\n`;
  const refused = { code: 'certificate-request-invalid' };
  const subject = { commonName: 'system:node:n1' };
  const flipped = (at: number): Buffer => Buffer.from(der.map((byte, i) => (i === at ? byte ^ 1 : byte)));
  await t.rejects(
    clientCertificateFromCsr(ca, pem(flipped(der.length - 1)), subject),
    refused,
    'another signature',
  );
  // Inside the modulus of the RSA key: a key whose owner never signed this.
  await t.rejects(clientCertificateFromCsr(ca, pem(flipped(200)), subject), refused, 'another key');
  await t.rejects(clientCertificateFromCsr(ca, pem(der.subarray(0, 100)), subject), refused, 'cut off');
  await t.rejects(clientCertificateFromCsr(ca, 'not a request', subject), refused);
  await t.rejects(clientCertificateFromCsr(ca, pem(Buffer.alloc(20_000)), subject), {
    ...refused,
    message: /longer/,
  });
  await t.rejects(
    clientCertificateFromCsr(ca, ca.certPem, subject),
    refused,
    'a certificate is not a request',
  );
});

void t.test('service-account keys belong together', (t) => {
  const { publicKeyPem, privateKeyPem } = createServiceAccountKeys();
  t.equal(createPublicKey(privateKeyPem).export({ type: 'spki', format: 'pem' }), publicKeyPem);
  t.end();
});
