// What other machines will meet: addresses, the certificate, and HTTPS on every address.

import { request } from 'node:https';
import type { LanAddress } from '../../server/lan.ts';
import type { CertificateFacts } from '../../server/certificate.ts';
import type { Finding } from './finding.ts';
import { ok, problem, warning } from './finding.ts';

const REACH_MS = 5_000;

export function addressFinding(addresses: readonly LanAddress[]): Finding {
  if (addresses.length === 0)
    return problem(
      'addresses',
      'none in a network',
      'Connect this machine to the network of the others (a phone that shares its connection is one as well).',
    );
  return ok('addresses', addresses.map((lan) => `${lan.address} (${lan.interface})`).join(', '));
}

export function certificateFinding(
  { fingerprint, validTo, selfSigned }: CertificateFacts,
  now: number,
): Finding {
  const days = Math.floor((validTo - now) / 86_400_000);
  return selfSigned
    ? warning(
        'certificate',
        `made here, valid for ${days} days, SHA-256 ${fingerprint}`,
        'Every browser warns of it once: compare the fingerprint, then go on. A certificate for a name that others can look up (--cert, --key) needs no warning.',
      )
    : ok('certificate', `valid for ${days} days, SHA-256 ${fingerprint}`);
}

/** Whether the server answers on an address of this machine. What stands between machines cannot be seen from here. */
export async function httpsFinding(address: string, port: number): Promise<Finding> {
  const check = `https://${address}:${port}/`;
  const answer = await new Promise<number | string>((resolve) => {
    // Whose certificate it is was looked at before; here only the way counts.
    const asked = request(
      check,
      { method: 'HEAD', rejectUnauthorized: false, timeout: REACH_MS },
      (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      },
    );
    asked.on('timeout', () => asked.destroy(new Error(`no answer within ${REACH_MS / 1000} s`)));
    asked.on('error', (error) => resolve(error.message));
    asked.end();
  });
  return answer === 200
    ? ok(check, 'answers on this machine')
    : problem(
        check,
        typeof answer === 'number' ? `answers with HTTP status ${answer}` : answer,
        "Allow Node to take connections in this machine's firewall.",
      );
}

/** What only a second machine can tell. */
export const isolationFinding = (url: string): Finding =>
  warning(
    'other machines',
    'cannot be seen from here',
    `Open ${url} on a phone. If it does not load, this machine's firewall refuses it or the network keeps its clients apart: use a network of your own, such as a phone's. If it loads, the relay serves whoever reaches no other page directly.`,
  );
