/** The certificate of a workshop: made for this machine's addresses, kept while it serves, and refused with a reason when it is a bad one. */
import { X509Certificate } from 'node:crypto';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  CertificateError,
  certificateFacts,
  givenCertificate,
  madeCertificate,
} from '../../../src/server/certificate.ts';

const DAY_MS = 86_400_000;
const HOSTS = ['localhost', '127.0.0.1', '192.0.2.7', 'desk.local'];

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rankfall-test-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

describe('a certificate that is made', () => {
  it('names every address and name, is valid now and for a workshop, and signs itself', async () => {
    const made = await madeCertificate(join(folder, 'a'), HOSTS);
    const certificate = new X509Certificate(made.cert);
    expect(certificate.checkIP('192.0.2.7')).toBe('192.0.2.7');
    expect(certificate.checkHost('desk.local')).toBe('desk.local');
    expect(certificate.checkIP('192.0.2.8')).toBeUndefined();
    expect(certificate.ca).toBe(false);
    const facts = certificateFacts(made);
    expect(facts.selfSigned).toBe(true);
    expect(facts.validTo - Date.now()).toBeGreaterThan(60 * DAY_MS);
    expect(facts.validTo - Date.now()).toBeLessThan(398 * DAY_MS);
  });

  it('is kept for the next time, for this user only', async () => {
    const place = join(folder, 'b');
    const made = await madeCertificate(place, HOSTS);
    expect(await madeCertificate(place, HOSTS)).toEqual({ cert: `${made.cert}\n`, key: made.key });
    expect((await stat(join(place, 'certificate.pem'))).mode & 0o777).toBe(0o600);
  });

  it('is made anew for an address that the kept one lacks, near its end, and when its file is damaged', async () => {
    const place = join(folder, 'c');
    const facts = async (hosts: readonly string[], now?: number) =>
      certificateFacts(await madeCertificate(place, hosts, now)).fingerprint;
    const first = await facts(HOSTS);
    const second = await facts([...HOSTS, '192.0.2.9']);
    expect(second).not.toBe(first);
    const third = await facts(HOSTS, Date.now() + 85 * DAY_MS);
    expect(third).not.toBe(second);
    await writeFile(
      join(place, 'certificate.pem'),
      '-----BEGIN CERTIFICATE-----\nno\n-----END CERTIFICATE-----\n',
    );
    expect(await facts(HOSTS)).not.toBe(third);
  });
});

describe("a certificate of the user's own", () => {
  it('is taken with its key', async () => {
    const made = await madeCertificate(join(folder, 'd'), HOSTS);
    const [cert, key] = [join(folder, 'own.pem'), join(folder, 'own.key')];
    await writeFile(cert, made.cert);
    await writeFile(key, made.key);
    expect(await givenCertificate(cert, key)).toEqual(made);
  });

  it('is refused, with the file and the reason, when it is missing, no certificate, expired, or another key is given', async () => {
    const [one, other] = [
      await madeCertificate(join(folder, 'e'), HOSTS),
      await madeCertificate(join(folder, 'f'), HOSTS),
    ];
    const [cert, key, wrong] = [join(folder, 'one.pem'), join(folder, 'one.key'), join(folder, 'other.key')];
    await writeFile(cert, one.cert);
    await writeFile(key, one.key);
    await writeFile(wrong, other.key);
    const refusal = (certPath: string, keyPath: string, now?: number) =>
      expect(givenCertificate(certPath, keyPath, now)).rejects;
    await refusal(join(folder, 'none.pem'), key).toThrow(/Cannot read .*none\.pem/);
    await refusal(key, key).toThrow(/Expected a certificate in PEM form in .*one\.key/);
    await refusal(cert, wrong).toThrow(/Expected the key of the certificate .*one\.pem in .*other\.key/);
    await refusal(cert, key, Date.now() + 1000 * DAY_MS).toThrow(/expired/);
    await refusal(cert, cert).toBeInstanceOf(CertificateError);
  });
});
