import { generate } from 'selfsigned';

export interface LoopbackCertificate {
  /** PEM of the authority that a client has to trust. */
  authority: string;
  key: string;
  cert: string;
}

/** A certificate for 127.0.0.1 by an authority made for it: Azure's SDK sends tokens over HTTPS only. */
export async function makeLoopbackCertificate(): Promise<LoopbackCertificate> {
  const authority = await generate([{ name: 'commonName', value: 'Test authority' }], {
    keyType: 'ec',
    algorithm: 'sha256',
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
    ],
  });
  const server = await generate([{ name: 'commonName', value: '127.0.0.1' }], {
    keyType: 'ec',
    algorithm: 'sha256',
    ca: { key: authority.private, cert: authority.cert },
    extensions: [
      { name: 'basicConstraints', cA: false },
      { name: 'keyUsage', digitalSignature: true },
      { name: 'extKeyUsage', serverAuth: true },
      { name: 'subjectAltName', altNames: [{ type: 7, ip: '127.0.0.1' }] },
    ],
  });
  return { authority: authority.cert, key: server.private, cert: server.cert };
}
