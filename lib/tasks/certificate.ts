import { createHash, type webcrypto } from "node:crypto";

/** A certificate for one stream, trusted only by those who know its fingerprint. */
export interface StreamCertificate {
  /** PEM. */
  readonly cert: string;
  readonly key: string;
  /** SHA-256 of the certificate in DER, as hex. */
  readonly fingerprint: string;
}

const DAY = 24 * 60 * 60 * 1000;
const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };

/** Creates a certificate. The first call takes 0.4 s to load the library, later ones a few ms. */
export async function createCertificate(): Promise<StreamCertificate> {
  await import("reflect-metadata"); // first, since the next import needs it
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
