// The certificate of a workshop's server. WebGPU needs a secure context, so that pages on other machines need HTTPS; where nobody brings
// a certificate, one is made that names this machine's addresses, and kept, so that whoever has accepted it once is not asked again.

import { createPrivateKey, X509Certificate } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { generate } from 'selfsigned';

export interface Certificate {
  /** PEM; with the chain, where there is one. */
  readonly cert: string;
  /** PEM. */
  readonly key: string;
}

/** What a person compares with what the browser shows. */
export interface CertificateFacts {
  /** SHA-256 of the certificate, as pairs of hexadecimal digits with colons between them. */
  readonly fingerprint: string;
  /** Milliseconds since the epoch. */
  readonly validTo: number;
  /** Made here: browsers warn of it until somebody accepts it. */
  readonly selfSigned: boolean;
}

/** A certificate and key that cannot be used together, or at all; the message says which file and why. */
export class CertificateError extends Error {
  override readonly name = 'CertificateError';
}

const DAY_MS = 86_400_000;
/** Browsers refuse what is valid for longer than 398 days; a workshop needs fewer. */
const VALID_DAYS = 90;
/** One that ends sooner is replaced, in milliseconds. */
const LEAST_LEFT_MS = 7 * DAY_MS;
const FILE = 'certificate.pem';

/**
 * The kept certificate of `folder` if it names all `hosts` (host names and IP addresses) and lasts for a week, or else a new one
 * (ECDSA on P-256), which is kept there with its key, readable by this user alone.
 */
export async function madeCertificate(
  folder: string,
  hosts: readonly string[],
  now = Date.now(),
): Promise<Certificate> {
  const kept = await keptCertificate(join(folder, FILE), hosts, now);
  if (kept !== undefined) return kept;
  const made = await generate([{ name: 'commonName', value: 'Rankfall workshop' }], {
    keyType: 'ec',
    curve: 'P-256',
    algorithm: 'sha256',
    notBeforeDate: new Date(now - DAY_MS),
    notAfterDate: new Date(now + VALID_DAYS * DAY_MS),
    extensions: [
      { name: 'basicConstraints', cA: false, critical: true },
      { name: 'keyUsage', digitalSignature: true, critical: true },
      { name: 'extKeyUsage', serverAuth: true },
      {
        name: 'subjectAltName',
        altNames: hosts.map((host) =>
          isIP(host) === 0 ? { type: 2 as const, value: host } : { type: 7 as const, ip: host },
        ),
      },
    ],
  });
  await mkdir(folder, { recursive: true });
  // Renamed into place: two servers that start at once must not leave the key of one with the certificate of the other.
  const making = join(folder, `making-${process.pid}.pem`);
  await writeFile(making, `${made.cert}\n${made.private}`, { mode: 0o600 });
  await rename(making, join(folder, FILE));
  return { cert: made.cert, key: made.private };
}

async function keptCertificate(
  path: string,
  hosts: readonly string[],
  now: number,
): Promise<Certificate | undefined> {
  const text = await readFile(path, 'utf8').catch(() => undefined);
  const end = text?.indexOf('-----END CERTIFICATE-----\n') ?? -1;
  if (text === undefined || end < 0) return undefined;
  const split = text.indexOf('\n', end) + 1;
  const kept = { cert: text.slice(0, split), key: text.slice(split) };
  try {
    const certificate = readCertificate(kept);
    const lasts = Date.parse(certificate.validTo) - now >= LEAST_LEFT_MS;
    return lasts && hosts.every((host) => namesHost(certificate, host)) ? kept : undefined;
  } catch {
    // Damaged, which costs no more than making another one.
    return undefined;
  }
}

/** Throws where the two are not a certificate and its key. */
function readCertificate({ cert, key }: Certificate): X509Certificate {
  const certificate = new X509Certificate(cert);
  if (!certificate.checkPrivateKey(createPrivateKey(key)))
    throw new CertificateError('The key belongs to another certificate.');
  return certificate;
}

const namesHost = (certificate: X509Certificate, host: string): boolean =>
  (isIP(host) === 0 ? certificate.checkHost(host) : certificate.checkIP(host)) !== undefined;

/**
 * A certificate and key of the user's own.
 *
 * @throws {CertificateError} when a file cannot be read, is no PEM, has expired, or the key belongs to another certificate
 */
export async function givenCertificate(
  certPath: string,
  keyPath: string,
  now = Date.now(),
): Promise<Certificate> {
  const read = (path: string): Promise<string> =>
    readFile(path, 'utf8').catch((error: unknown) => {
      throw new CertificateError(
        `Cannot read ${path}: ${error instanceof Error ? error.message : String(error)}`,
      );
    });
  const given = { cert: await read(certPath), key: await read(keyPath) };
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(given.cert);
  } catch {
    throw new CertificateError(`Expected a certificate in PEM form in ${certPath}, found none.`);
  }
  if (Date.parse(certificate.validTo) < now)
    throw new CertificateError(`The certificate in ${certPath} expired on ${certificate.validTo}.`);
  try {
    readCertificate(given);
  } catch {
    throw new CertificateError(`Expected the key of the certificate ${certPath} in ${keyPath}, unencrypted.`);
  }
  return given;
}

export function certificateFacts({ cert }: Certificate): CertificateFacts {
  const certificate = new X509Certificate(cert);
  return {
    fingerprint: certificate.fingerprint256,
    validTo: Date.parse(certificate.validTo),
    selfSigned: certificate.issuer === certificate.subject,
  };
}
