import { createHash, generateKeyPairSync, sign, type KeyPairKeyObjectResult } from 'node:crypto';

// Certificate requests, built here element by element so that they share no code with what checks them.

export interface RequestParts {
  readonly name?: string;
  /** Tag of the name's string: 0x13 PrintableString, 0x0c UTF8String. */
  readonly stringTag?: number;
  readonly organization?: string;
  readonly attributes?: Buffer;
  readonly pair?: KeyPairKeyObjectResult;
  /** Signs instead of the request's own key. */
  readonly signer?: KeyPairKeyObjectResult;
  readonly version?: number;
}

/** A PKCS#10 request as the enclave makes it, and with whatever is asked for instead. */
export function requestFor(parts: RequestParts = {}): { pem: string; keyHash: Uint8Array } {
  const { name = 'k3s-daas:enclave', stringTag = 0x13, organization, version = 0 } = parts;
  const pair = parts.pair ?? generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const attribute = (oid: string, tag: number, text: string): Buffer =>
    tlv(0x31, tlv(0x30, Buffer.from(oid, 'hex'), tlv(tag, Buffer.from(text))));
  const subject = tlv(
    0x30,
    ...(organization === undefined ? [] : [attribute('060355040a', 0x13, organization)]),
    attribute('0603550403', stringTag, name),
  );
  const spki = pair.publicKey.export({ format: 'der', type: 'spki' });
  const attributes = parts.attributes ?? Buffer.from('a000', 'hex');
  const info = tlv(0x30, tlv(0x02, Buffer.from([version])), subject, spki, attributes);
  const signature = sign('sha256', info, (parts.signer ?? pair).privateKey);
  const algorithm = Buffer.from('300a06082a8648ce3d040302', 'hex');
  const der = tlv(0x30, info, algorithm, tlv(0x03, Buffer.from([0]), signature));
  return { pem: pemOf(der), keyHash: new Uint8Array(createHash('sha256').update(spki).digest()) };
}

export function pemOf(der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE REQUEST-----\n${lines.join('\n')}\n-----END CERTIFICATE REQUEST-----\n`;
}

export function tlv(tag: number, ...content: readonly Buffer[]): Buffer {
  const whole = Buffer.concat(content);
  const { length } = whole;
  const head =
    length < 0x80
      ? [tag, length]
      : length < 0x100
        ? [tag, 0x81, length]
        : [tag, 0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from(head), whole]);
}
