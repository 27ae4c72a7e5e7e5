import { classified } from "./spark-error.js";

/** The settings of sessions. */
export class Settings {
  readonly values: Map<string, string>;
  readonly #initial: Readonly<Record<string, string>>;

  constructor(initial: Readonly<Record<string, string>>, values?: ReadonlyMap<string, string>) {
    this.#initial = { "spark.sql.session.timeZone": "UTC", ...initial };
    this.values = new Map(values ?? Object.entries(this.#initial));
  }

  /** An independent copy. */
  copy(): Settings {
    return new Settings(this.#initial, this.values);
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

  /** Resets a setting to its initial value. */
  unset(key: string): void {
    const initial = this.#initial[key];
    if (initial === undefined) this.values.delete(key);
    else this.values.set(key, initial);
  }
}
