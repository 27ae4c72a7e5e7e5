/**
 * Proves between a task and Node, in both directions, that they know the stream's secret, without sending it over a
 * data connection: HMAC-SHA256 over both sides' nonces, which are new for each connection.
 */
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { inspect } from "node:util";
import { CLAIM_BYTES, type Claim, NONCE_BYTES } from "./claim.js";

const SECRET_BYTES = 32;

export class Secret {
  #key: Buffer | undefined = randomBytes(SECRET_BYTES);

  /** The secret as hex, only for the plan that carries it to the tasks. */
  get hex(): string {
    return this.#key?.toString("hex") ?? "";
  }

  /** Whether a hello comes from a task that knows the secret, and answers this nonce. */
  accepts(hello: Buffer, nonce: Buffer): boolean {
    const proof = this.#proof("task", nonce, hello.subarray(0, CLAIM_BYTES));
    return proof !== undefined && timingSafeEqual(proof, hello.subarray(CLAIM_BYTES));
  }

  /** Node's proof for the task; undefined if the secret was forgotten. */
  answer({ nonce: theirs }: Claim, nonce: Buffer): Buffer | undefined {
    return this.#proof("node", theirs, nonce);
  }

  /** Invalidates the secret: no later proof succeeds. */
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
