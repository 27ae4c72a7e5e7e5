// Leaves out of `npm run check` what needs more than Node and a few seconds: a test that asks for a Spark or for Python, or
// that says that it is slow, is skipped there. Only .mocharc.check.cjs requires this file as a plugin; where it is merely
// imported, as under `npm test`, nothing is skipped.
let checking = false;
let running: Mocha.Runnable | undefined;

export const mochaHooks = {
  beforeAll() {
    checking = true;
  },
  beforeEach(this: Mocha.Context) {
    running = this.currentTest;
  },
  afterEach() {
    running = undefined;
  },
};

/** Skips the running test in `npm run check`. A `before` hook passes its own `this`: all tests of its suite are skipped. */
export function notInCheck(reason: string, hook?: Mocha.Context): void {
  if (!checking) return;
  const runnable = hook ?? running;
  if (!runnable)
    throw new Error(`Only a test can be left out of npm run check, or a hook that passes its this: ${reason}`);
  runnable.skip();
}
