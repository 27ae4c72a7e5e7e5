import { expect } from "chai";
import type { SparkConnectClient } from "../../lib/connect/rpc/spark-connect-client.js";
import { sql } from "../../lib/connect/session/relations.js";
import { sqlPlan } from "../../lib/connect/session/sql.js";

const answer = { relType: { case: "localRelation", value: {} } } as const;

/** A client that only knows how to run a command, and counts how often it did. */
function clientOf(answers: object[] = [{ case: "sqlCommandResult", value: { relation: answer } }]) {
  const commands: unknown[] = [];
  const client = {
    command: async (plan: unknown) => {
      commands.push(plan);
      return answers.map((responseType) => ({ responseType }));
    },
  };
  return { commands, client: client as unknown as SparkConnectClient };
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
      const relType = sql(query, {});
      expect(await sqlPlan(client, relType)({})).to.deep.equal({ relType });
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
      expect(await sqlPlan(client, sql(command, {}))({})).to.equal(answer);
      expect(commands).to.have.length(1);
    });
  }

  it("runs a command at its first use, once, and has what it gave from then on", async () => {
    const { client, commands } = clientOf();
    const relType = sql("INSERT INTO t VALUES (:v)", { v: 1 });
    const plan = sqlPlan(client, relType);
    expect(commands).to.have.length(0);
    const [one, two] = await Promise.all([plan({}), plan({})]);
    expect(one).to.equal(answer);
    expect(two).to.equal(answer);
    expect(await plan({})).to.equal(answer);
    expect(commands).to.deep.equal([
      {
        opType: {
          case: "command",
          // The text and its literals once more, for servers before 4.0.
          value: {
            commandType: {
              case: "sqlCommand",
              value: {
                input: { relType },
                sql: "INSERT INTO t VALUES (:v)",
                args: { v: { literalType: { case: "integer", value: 1 } } },
              },
            },
          },
        },
      },
    ]);
  });

  it("runs a command that failed no second time, since what it did is not known", async () => {
    let calls = 0;
    const client = { command: () => Promise.reject(new Error(`failure ${++calls}`)) } as unknown as SparkConnectClient;
    const plan = sqlPlan(client, sql("INSERT INTO t VALUES (1)", {}));
    for (let use = 0; use < 2; use++) {
      expect(await plan({}).catch((error: Error) => error.message)).to.equal("failure 1");
    }
  });

  it("keeps the text itself where a server answers a command with no relation", async () => {
    const { client } = clientOf([{ case: "metrics", value: {} }]);
    const relType = sql("SET a = 1", {});
    expect(await sqlPlan(client, relType)({})).to.deep.equal({ relType });
  });

  it("finds the first word behind thousands of comments at once", async () => {
    for (const text of ["/* a */ ".repeat(20_000), "-- a \\\n".repeat(20_000), " ".repeat(200_000)]) {
      const started = performance.now();
      await sqlPlan(clientOf().client, sql(`${text}{`, {}))({});
      expect(performance.now() - started).to.be.below(10_000);
    }
  });
});
