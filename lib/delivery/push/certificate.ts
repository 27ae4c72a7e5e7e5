import { createHash, type webcrypto } from "node:crypto";

/** A certificate that stands for one stream: nobody trusts it but those who know its fingerprint. */
export interface StreamCertificate {
  /** PEM. */
  readonly cert: string;
  readonly key: string;
  /** SHA-256 of the certificate in DER, as hex. */
  readonly fingerprint: string;
}

const DAY = 24 * 60 * 60 * 1000;
const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };

/** Takes 0.4 s the first time, for the library to be loaded, and some ms after that. */
export async function createCertificate(): Promise<StreamCertificate> {
  await import("reflect-metadata"); // first, since the next one does not load without it
  const { PemConverter, X509CertificateGenerator } = await import("@peculiar/x509");
  const keys: webcrypto.CryptoKeyPair = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: "CN=spark-arrow-stream",
    keys,
    signingAlgorithm: algorithm,
    notBefore: new Date(Date.now() - DAY),
    notAfter: new Date(Date.now() + 365 * DAY),
  });
  return {
    cert: certificate.toString("pem"),
    key: PemConverter.encode(await crypto.subtle.exportKey("pkcs8", keys.privateKey), "PRIVATE KEY"),
    fingerprint: createHash("sha256").update(Buffer.from(certificate.rawData)).digest("hex"),
  };
}
