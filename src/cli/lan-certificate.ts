// The certificate that a command serves with: the user's own, or one that is made for this machine.

import { fileURLToPath } from 'node:url';
import { CertificateError, givenCertificate, madeCertificate } from '../server/certificate.ts';
import type { Certificate } from '../server/certificate.ts';
import { lanAddresses, machineNames } from '../server/lan.ts';
import { UsageError } from './errors.ts';

export interface CertificateFlags {
  readonly lan?: true;
  readonly cert?: string;
  readonly key?: string;
}

/** Certificates that were made are kept here. */
const FOLDER = fileURLToPath(new URL('../../.cache/certificates', import.meta.url));

/** @throws {UsageError} when the options do not go together, or the files do not */
export async function certificateFor({ lan, cert, key }: CertificateFlags): Promise<Certificate | undefined> {
  if ((cert === undefined) !== (key === undefined))
    throw new UsageError('Expected --cert and --key together: one is of no use without the other.');
  if (lan === undefined) {
    if (cert === undefined) return undefined;
    throw new UsageError('Expected --lan with --cert and --key: on this machine alone no HTTPS is needed.');
  }
  const hosts = [
    'localhost',
    '127.0.0.1',
    ...machineNames(),
    ...lanAddresses().map(({ address }) => address),
  ];
  if (cert === undefined || key === undefined) return madeCertificate(FOLDER, hosts);
  try {
    return await givenCertificate(cert, key);
  } catch (error) {
    throw error instanceof CertificateError ? new UsageError(error.message) : error;
  }
}
