// Leaves out of `npm run check` what needs more than Node and a few seconds: a test that asks for a Spark or for Python, or
// that says so itself, is skipped there. Only .mocharc.check.cjs requires this file as a plugin; where it is merely imported,
// as under `npm test`, nothing is skipped.
import { runningTest } from "./running-test.js";

let checking = false;

export const mochaHooks = {
  beforeAll() {
    checking = true;
  },
};

/** Skips the running test in `npm run check`. A `before` hook passes its own `this`: all tests of its suite are skipped. */
export function notInCheck(reason: string, hook?: Mocha.Context): void {
  if (!checking) return;
  const runnable = hook ?? runningTest();
  if (!runnable) {
    throw new Error(`Only a test, or a hook that passes its this, can be left out of npm run check: ${reason}`);
  }
  runnable.skip();
}
