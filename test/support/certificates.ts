/** Certificates made on the spot, as PEM. */
import "reflect-metadata"; // first, since the next one does not load without it
import type { webcrypto } from "node:crypto";
import {
  BasicConstraintsExtension,
  type JsonGeneralName,
  PemConverter,
  SubjectAlternativeNameExtension,
  type X509Certificate,
  X509CertificateGenerator,
} from "@peculiar/x509";

type Keys = webcrypto.CryptoKeyPair;

const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };

/** A certificate with its private key. */
export interface Identity {
  readonly cert: string;
  readonly key: string;
}

export class CertificateAuthority implements Identity {
  readonly cert: string;
  readonly key: string;
  readonly #certificate: X509Certificate;
  readonly #keys: Keys;

  private constructor(certificate: X509Certificate, keys: Keys, key: string) {
    this.cert = certificate.toString("pem");
    this.key = key;
    this.#certificate = certificate;
    this.#keys = keys;
  }

  static async create(name = "Test Authority"): Promise<CertificateAuthority> {
    const keys = await generateKeys();
    const certificate = await X509CertificateGenerator.createSelfSigned({
      name: `CN=${name}`,
      keys,
      signingAlgorithm: algorithm,
      ...validity(),
      extensions: [new BasicConstraintsExtension(true, undefined, true)],
    });
    return new CertificateAuthority(certificate, keys, await keyPem(keys));
  }

  /** @param names host names and IP addresses that it stands for */
  async issue(commonName: string, names: readonly JsonGeneralName[] = []): Promise<Identity> {
    const keys = await generateKeys();
    const certificate = await X509CertificateGenerator.create({
      subject: `CN=${commonName}`,
      issuer: this.#certificate.subject,
      publicKey: keys.publicKey,
      signingKey: this.#keys.privateKey,
      signingAlgorithm: algorithm,
      ...validity(),
      extensions: names.length > 0 ? [new SubjectAlternativeNameExtension([...names])] : [],
    });
    return { cert: certificate.toString("pem"), key: await keyPem(keys) };
  }
}

/** For a server on this machine, by any of its names. */
export const localNames: readonly JsonGeneralName[] = [
  { type: "dns", value: "localhost" },
  { type: "ip", value: "127.0.0.1" },
];

function validity(): { notBefore: Date; notAfter: Date } {
  const day = 24 * 60 * 60 * 1000;
  return { notBefore: new Date(Date.now() - day), notAfter: new Date(Date.now() + day) };
}

async function generateKeys(): Promise<Keys> {
  return await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
}

async function keyPem({ privateKey }: Keys): Promise<string> {
  return PemConverter.encode(await crypto.subtle.exportKey("pkcs8", privateKey), "PRIVATE KEY");
}
