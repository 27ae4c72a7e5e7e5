/** The settings of a session: those that users get and set, and those of a query while it starts. */

import { SparkStreamError } from "../../errors.js";
import { type CallOptions, checkCallOptions } from "../../runtime/call-options.js";
import { checkArgument, filled, text } from "../../runtime/check-options.js";
import { isRefusal } from "../rpc/refusal.js";
import type { SparkConnectClient } from "../rpc/spark-connect-client.js";
import { settingValue } from "./arguments.js";
import type { ConfAccess } from "./conf-lock.js";

/** The settings of a session. Every call takes a `signal`. */
export interface RuntimeConf {
  /** @throws SparkStreamError QUERY_FAILED if the key is not set and has no default, and none is given here. */
  get(key: string, defaultValue?: string, options?: CallOptions): Promise<string>;
  set(key: string, value: string | number | boolean, options?: CallOptions): Promise<void>;
  unset(key: string, options?: CallOptions): Promise<void>;
}

/** @internal */
export function runtimeConf(client: SparkConnectClient): RuntimeConf {
  return {
    async get(key, defaultValue, options = {}) {
      checkArgument("conf.get()", "key", key, filled);
      if (defaultValue !== undefined) checkArgument("conf.get()", "defaultValue", defaultValue, text);
      checkCallOptions(options, "conf.get()");
      const pairs = await client.config(
        defaultValue === undefined
          ? { case: "get", value: { keys: [key] } }
          : { case: "getWithDefault", value: { pairs: [{ key, value: defaultValue }] } },
        options,
      );
      return pairs[0]?.value ?? "";
    },
    async set(key, value, options = {}) {
      checkArgument("conf.set()", "key", key, filled);
      checkArgument("conf.set()", "value", value, settingValue);
      checkCallOptions(options, "conf.set()");
      await client.config({ case: "set", value: { pairs: [{ key, value: String(value) }] } }, options);
    },
    async unset(key, options = {}) {
      checkArgument("conf.unset()", "key", key, filled);
      checkCallOptions(options, "conf.unset()");
      await client.config({ case: "unset", value: { keys: [key] } }, options);
    },
  };
}

/** @internal A setting of the session; the default as well if the server shows no settings. */
export async function settingOr(
  conf: RuntimeConf,
  key: string,
  defaultValue: string,
  options: CallOptions,
): Promise<string> {
  return await conf.get(key, defaultValue, options).catch((error) => {
    if (isRefusal(error)) return defaultValue;
    throw error;
  });
}

/** @internal */
export function confAccess(client: SparkConnectClient): ConfAccess {
  return {
    async get(keys) {
      const pairs = await refusable(client.config({ case: "getOption", value: { keys: [...keys] } }));
      return keys.map((key) => pairs.find((pair) => pair.key === key)?.value);
    },
    async set(conf) {
      const pairs = Object.entries(conf).map(([key, value]) => ({ key, value }));
      await refusable(client.config({ case: "set", value: { pairs } }));
    },
    async unset(keys) {
      await refusable(client.config({ case: "unset", value: { keys: [...keys] } }));
    },
  };
}

const refusals = new WeakSet<SparkStreamError>();

async function refusable<T>(call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (error) {
    if (isRefusal(error)) refusals.add(error);
    throw error;
  }
}

/** @internal Whether a query could not have its own settings because the server lets nobody change them, as some hosted ones do. */
export function isSettingsRefusal(error: unknown): error is SparkStreamError {
  return error instanceof SparkStreamError && refusals.has(error);
}
