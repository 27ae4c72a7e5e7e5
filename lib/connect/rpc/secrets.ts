/**
 * Credentials that were sent and must not be shown. A server, or a proxy before it, may repeat them in an error: as they
 * are, percent-encoded or in base64.
 */

/**
 * Names of headers whose values are credentials. They follow the rules of the token: TLS, except on this machine, and
 * hidden in messages.
 */
const CREDENTIAL =
  /authorization|cookie|token|secret|passw(or)?d|passphrase|credential|bearer|jwt|assertion|(api|access|subscription|functions?|private|auth)[-_.]?key/i;

/** Whether a header of this name carries a credential. */
export function isCredential(name: string): boolean {
  return CREDENTIAL.test(name);
}

/** Characters from which on a secret is replaced wherever it occurs. */
const LONG = 8;
/** Characters from which on it is replaced as a whole word. Shorter ones are letters and words of every message. */
const WORD = 4;
/** Secrets remembered: tokens rotate. */
const MAX_SECRETS = 32;

export class Secrets {
  /** The newest first. */
  readonly #patterns = new Map<string, RegExp>();

  add(secret: string): void {
    if (secret === "" || this.#patterns.has(secret)) return;
    this.#patterns.set(secret, patternOf(secret));
    for (const oldest of this.#patterns.keys()) {
      if (this.#patterns.size <= MAX_SECRETS) break;
      this.#patterns.delete(oldest);
    }
  }

  /** The value of a credential header: the whole, and the parts that a scheme or names stand before. */
  addHeader(value: string): void {
    for (const part of value.split(/[\s;,]+/)) {
      const named = part.slice(part.indexOf("=") + 1);
      for (const secret of [part, named]) if (secret.length >= LONG) this.add(secret);
    }
    this.add(value);
  }

  /** The text with `***` in the place of each secret. */
  hide(text: string): string {
    let hidden = text;
    for (const pattern of this.#patterns.values()) hidden = hidden.replace(pattern, "***");
    return hidden;
  }
}

function patternOf(secret: string): RegExp {
  if (secret.length >= LONG) return new RegExp(formsOf(secret).map(escaped).join("|"), "g");
  const word = `${escaped(secret)}(?![A-Za-z0-9_])`;
  // A token of three characters protects nothing; with "Bearer" before it, as it was sent, it can be distinguished from a word.
  return new RegExp(secret.length >= WORD ? `(?<![A-Za-z0-9_])${word}` : `(?<=\\bbearer\\s+)${word}`, "gi");
}

function formsOf(secret: string): string[] {
  const base64 = base64Within(secret);
  const url = base64.map((text) => text.replaceAll("+", "-").replaceAll("/", "_"));
  const forms = [secret, encodeURIComponent(secret), ...base64, ...url];
  return [...new Set(forms)].sort((a, b) => b.length - a.length);
}

/** The characters that stand for the secret in the base64 of any text with it: they depend on what is before it, modulo 3. */
function base64Within(secret: string): string[] {
  return [0, 1, 2].map((before) => {
    const bytes = Buffer.concat([Buffer.alloc(before), Buffer.from(secret)]);
    return bytes.toString("base64").slice(Math.ceil((before * 4) / 3), Math.floor((bytes.length * 4) / 3));
  });
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/-]/g, "\\$&");
}
