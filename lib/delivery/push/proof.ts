/**
 * How a task proves to Node, and Node to the task, that they know the stream's secret, which itself never goes over a data
 * connection: HMAC-SHA256 over the nonces of both, which are new for each connection.
 */
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { inspect } from "node:util";
import { CLAIM_BYTES, type Claim, NONCE_BYTES } from "./wire.js";

const SECRET_BYTES = 32;

export class Secret {
  #key: Buffer | undefined = randomBytes(SECRET_BYTES);

  /** For the plan that takes it to the tasks, and for nothing else. */
  get hex(): string {
    return this.#key?.toString("hex") ?? "";
  }

  /** Whether a hello is from one who knows the secret, and answers this nonce. */
  accepts(hello: Buffer, nonce: Buffer): boolean {
    const proof = this.#proof("task", nonce, hello.subarray(0, CLAIM_BYTES));
    return proof !== undefined && timingSafeEqual(proof, hello.subarray(CLAIM_BYTES));
  }

  /** What proves Node to the task; undefined if the secret is dead. */
  answer({ nonce: theirs }: Claim, nonce: Buffer): Buffer | undefined {
    return this.#proof("node", theirs, nonce);
  }

  /** Nobody can prove anything by it any more. */
  forget(): void {
    this.#key?.fill(0);
    this.#key = undefined;
  }

  #proof(who: "task" | "node", ...said: Buffer[]): Buffer | undefined {
    if (!this.#key) return undefined;
    const hmac = createHmac("sha256", this.#key).update(who);
    for (const bytes of said) hmac.update(bytes);
    return hmac.digest();
  }

  [inspect.custom](): string {
    return "Secret";
  }
}

export function newNonce(): Buffer {
  return randomBytes(NONCE_BYTES);
}
