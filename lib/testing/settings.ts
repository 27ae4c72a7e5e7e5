import { classified } from "./spark-error.js";

/** The settings of a server; its sessions share them. */
export class Settings {
  readonly values: Map<string, string>;
  readonly #initial: Readonly<Record<string, string>>;

  constructor(initial: Readonly<Record<string, string>>) {
    this.#initial = { "spark.sql.session.timeZone": "UTC", ...initial };
    this.values = new Map(Object.entries(this.#initial));
  }

  get(key: string): string {
    const value = this.values.get(key);
    if (value !== undefined) return value;
    const text = `The SQL config "${key}" cannot be found. Please verify that the config exists.`;
    throw classified("SQL_CONF_NOT_FOUND", "42K0I", text, { sqlConf: `"${key}"` });
  }

  find(key: string): { value?: string } {
    const value = this.values.get(key);
    return value === undefined ? {} : { value };
  }

  set(key: string, value: string): void {
    this.values.set(key, value);
  }

  /** Back to what it was when the server began. */
  unset(key: string): void {
    const initial = this.#initial[key];
    if (initial === undefined) this.values.delete(key);
    else this.values.set(key, initial);
  }
}
