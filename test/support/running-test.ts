// The test that runs now, so that what it asks for can give it time, or skip it (check.ts). .mocharc.json requires this file.
let running: Mocha.Runnable | undefined;

export const mochaHooks = {
  beforeEach(this: Mocha.Context) {
    running = this.currentTest;
  },
  afterEach() {
    running = undefined;
  },
};

/** undefined outside of tests: in a hook, or in a program that only shares the support of tests. */
export function runningTest(): Mocha.Runnable | undefined {
  return running;
}

/** The first test of all that needs a Spark or Python installs it, which may take minutes. */
export function giveTimeToInstall(): void {
  const enough = 600_000;
  if (running && running.timeout() < enough) running.timeout(enough);
}
