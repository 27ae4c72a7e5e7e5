// `npm run check`: the tests that need Node alone, and seconds. test/support/check.ts skips single tests, `ignore` whole files.
const { require: plugins, ...options } = require("./.mocharc.json");

module.exports = {
  ...options,
  require: [...plugins, "test/support/check.ts"],
  ignore: [
    "test/spark/**",
    "test/servers/**", // installs servers
    "test/cluster/**", // starts a cluster
    "test/bench/**", // a benchmark needs the machine for itself
    "test/faults/**", // thousands of faults and broken inputs
    "test/local/venv.test.ts", // pip install
    "test/connect/leaks.test.ts", // two thousand streams
    "test/connect/slow-consumer.test.ts", // sleeps for longer than a server waits
  ],
  parallel: true,
  jobs: 4, // many of them wait for something, and not for a core
};
