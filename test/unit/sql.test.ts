import { expect } from "chai";
import type { SparkConnectClient } from "../../lib/connect/rpc/spark-connect-client.js";
import { sql, sqlText } from "../../lib/connect/session/relations.js";
import { sqlPlan } from "../../lib/connect/session/sql.js";

const answer = { relType: { case: "localRelation", value: {} } } as const;

/** A client that only knows how to run a command, and counts how often it did. */
function clientOf(answers: object[] = [{ case: "sqlCommandResult", value: { relation: answer } }], version = "4.3.0") {
  const commands: unknown[] = [];
  const client = {
    version: async () => version,
    command: async (plan: unknown) => {
      commands.push(plan);
      return answers.map((responseType) => ({ responseType }));
    },
  };
  return { commands, client: client as unknown as SparkConnectClient };
}

function sqlCommandOf(plan: unknown): unknown {
  return (plan as { opType: { value: { commandType: { value: unknown } } } }).opType.value.commandType.value;
}

describe("sqlPlan", () => {
  const queries = [
    "SELECT 1",
    "select*from t",
    "  \n\tSELECT 1",
    "VALUES (1)",
    "table t",
    "(SELECT 1) UNION (SELECT 2)",
    "-- a comment\nSELECT 1",
    "-- a comment\r\nSELECT 1",
    "--\nSELECT 1",
    "-- INSERT INTO t\\\n VALUES (1)\nSELECT 1",
    "/* INSERT INTO t */ SELECT 1",
    "/**/SELECT 1",
    "/* one */ /* two\n */ -- three\n /***/ SELECT 1",
  ];
  for (const query of queries) {
    it(`sends ${JSON.stringify(query)} as a query, without asking the server first`, async () => {
      const { client, commands } = clientOf();
      const text = sqlText(query, {});
      expect(await sqlPlan(client, text)({})).to.deep.equal({ relType: sql(text, false) });
      expect(commands).to.deep.equal([]);
    });
  }

  const commands = [
    "INSERT INTO t SELECT 1",
    "CREATE TABLE t AS SELECT 1",
    "WITH a AS (SELECT 1) INSERT INTO t SELECT * FROM a",
    "FROM t INSERT INTO u SELECT *",
    "SHOW TABLES",
    "SELECTED",
    "-- SELECT\nINSERT INTO t VALUES (1)",
    "/* SELECT 1 */ INSERT INTO t VALUES (1)",
    "",
    "-- SELECT 1",
    "-- (",
    "/* SELECT 1",
    // What Spark reads in another way than one would think: its comments nest, a backslash makes one go on in the next
    // line, and a carriage return ends one. An INSERT sent as a query is run each time the server looks at it.
    "/* /* */ SELECT 1 */ INSERT INTO t VALUES (1)",
    "-- a comment \\\nSELECT 1\nINSERT INTO t VALUES (1)",
    "-- a comment\rINSERT INTO t\nSELECT 1",
  ];
  for (const command of commands) {
    it(`runs ${JSON.stringify(command)} as a command`, async () => {
      const { client, commands } = clientOf();
      expect(await sqlPlan(client, sqlText(command, {}))({})).to.equal(answer);
      expect(commands).to.have.length(1);
    });
  }

  it("runs a command at its first use, once, and has what it gave from then on", async () => {
    const { client, commands } = clientOf();
    const text = sqlText("INSERT INTO t VALUES (:v)", { v: 1 });
    const plan = sqlPlan(client, text);
    expect(commands).to.have.length(0);
    const [one, two] = await Promise.all([plan({}), plan({})]);
    expect(one).to.equal(answer);
    expect(two).to.equal(answer);
    expect(await plan({})).to.equal(answer);
    expect(commands.map(sqlCommandOf)).to.deep.equal([{ input: { relType: sql(text, false) } }]);
  });

  for (const [args, fields] of [
    [{ v: 1 }, { args: { v: { literalType: { case: "integer", value: 1 } } } }],
    [[1], { posArgs: [{ literalType: { case: "integer", value: 1 } }] }],
  ] as const) {
    it(`sends ${JSON.stringify(args)} to Spark 3.5 in its own fields, of a query and of a command`, async () => {
      const { client, commands } = clientOf(undefined, "3.5.7");
      const query = await sqlPlan(client, sqlText("SELECT 1", args))({});
      expect(query).to.deep.equal({ relType: { case: "sql", value: { query: "SELECT 1", ...fields } } });
      const text = sqlText("INSERT INTO t SELECT 1", args);
      await sqlPlan(client, text)({});
      expect(commands.map(sqlCommandOf)).to.deep.equal([
        { input: { relType: sql(text, true) }, sql: "INSERT INTO t SELECT 1", ...fields },
      ]);
    });
  }

  it("sends the text of a command without parameters once more, for Spark 3.5", async () => {
    const { client, commands } = clientOf();
    const text = sqlText("DROP VIEW v", {});
    await sqlPlan(client, text)({});
    expect(commands.map(sqlCommandOf)).to.deep.equal([{ input: { relType: sql(text, false) }, sql: "DROP VIEW v" }]);
  });

  it("runs a command that failed no second time, since what it did is not known", async () => {
    let calls = 0;
    const client = { command: () => Promise.reject(new Error(`failure ${++calls}`)) } as unknown as SparkConnectClient;
    const plan = sqlPlan(client, sqlText("INSERT INTO t VALUES (1)", {}));
    for (let use = 0; use < 2; use++) {
      expect(await plan({}).catch((error: Error) => error.message)).to.equal("failure 1");
    }
  });

  it("keeps the text itself where a server answers a command with no relation", async () => {
    const { client } = clientOf([{ case: "metrics", value: {} }]);
    const text = sqlText("SET a = 1", {});
    expect(await sqlPlan(client, text)({})).to.deep.equal({ relType: sql(text, false) });
  });

  it("finds the first word behind thousands of comments at once", async () => {
    for (const text of ["/* a */ ".repeat(20_000), "-- a \\\n".repeat(20_000), " ".repeat(200_000)]) {
      const started = performance.now();
      await sqlPlan(clientOf().client, sqlText(`${text}{`, {}))({});
      expect(performance.now() - started).to.be.below(10_000);
    }
  });
});
