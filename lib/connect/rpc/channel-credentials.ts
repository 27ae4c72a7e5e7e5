/** How a channel speaks with its server: in plain text, or by TLS, and then whom it trusts. */
import { readFileSync } from "node:fs";
import { isIP, type Socket } from "node:net";
import { connect, createSecureContext, rootCertificates, type SecureContext } from "node:tls";
import { CallCredentials, ChannelCredentials, type experimental } from "@grpc/grpc-js";
import { SparkStreamError } from "../../errors.js";
import type { Endpoint } from "./endpoint.js";

/** @throws SparkStreamError INVALID_ARGUMENT for certificates that cannot be used */
export function credentialsOf({ tls, host }: Pick<Endpoint, "tls" | "host">): ChannelCredentials {
  if (tls === false) return ChannelCredentials.createInsecure();
  const pem = (value: string | Buffer | undefined) => (value === undefined ? undefined : Buffer.from(value));
  if (tls.ca !== undefined && !tls.ca.includes("BEGIN CERTIFICATE"))
    throw invalidTls("its ca is not a certificate in PEM");
  if ((tls.key === undefined) !== (tls.cert === undefined)) throw invalidTls("it needs both, cert and key");
  const [ca, key, cert] = [pem(tls.ca) ?? systemCertificates(), pem(tls.key), pem(tls.cert)];
  try {
    if (!isIP(host)) return ChannelCredentials.createSsl(ca, key, cert);
    const ciphers = process.env.GRPC_SSL_CIPHER_SUITES; // as createSsl() has it
    return new AddressCredentials(host, createSecureContext({ ca, key, cert, ciphers }));
  } catch (cause) {
    throw invalidTls((cause as Error).message, cause);
  }
}

/**
 * TLS with a host that is an IP address. Those of grpc-js 1.14 tell the server the address as its name (SNI), which RFC 6066 does
 * not allow, and Node refuses from 26 on.
 */
class AddressCredentials extends ChannelCredentials {
  readonly #host: string;
  readonly #context: SecureContext;

  constructor(host: string, context: SecureContext) {
    super();
    this.#host = host;
    this.#context = context;
  }

  _isSecure(): boolean {
    return true;
  }

  _equals(other: ChannelCredentials): boolean {
    return this === other;
  }

  _createSecureConnector(
    _target: unknown,
    _options: unknown,
    callCredentials = CallCredentials.createEmpty(),
  ): experimental.SecureConnector {
    return {
      connect: async (socket) => ({ socket: await this.#secured(socket), secure: true }),
      waitForReady: async () => {},
      getCallCredentials: () => callCredentials,
      destroy: () => {},
    };
  }

  async #secured(socket: Socket): Promise<Socket> {
    return await new Promise((resolve, reject) => {
      const options = { socket, host: this.#host, secureContext: this.#context, ALPNProtocols: ["h2"] };
      const secure = connect(options, () => resolve(secure));
      secure.on("error", reject);
    });
  }
}

function invalidTls(reason: string, cause?: unknown): SparkStreamError {
  return new SparkStreamError("INVALID_ARGUMENT", `The tls option cannot be used: ${reason}.`, { cause });
}

/** Node's own list, and what NODE_EXTRA_CA_CERTS adds to it, which gRPC does not look at. */
function systemCertificates(): Buffer {
  const extra = process.env.NODE_EXTRA_CA_CERTS;
  const certificates = [...rootCertificates];
  if (extra) {
    try {
      certificates.push(readFileSync(extra, "utf8"));
    } catch {
      // Node itself only warns about a file that is not there.
    }
  }
  return Buffer.from(certificates.join("\n"));
}
