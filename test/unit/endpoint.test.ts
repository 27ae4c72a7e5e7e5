import { userInfo } from "node:os";
import { inspect } from "node:util";
import { expect } from "chai";
import { Endpoint, type EndpointOptions } from "../../lib/connect/rpc/endpoint.js";
import { SparkStreamError } from "../../lib/errors.js";
import { version } from "../../lib/version.js";

const SECRET = "dapi-5ecret";
const UUID = "a1b2c3d4-0000-4000-8000-0123456789ab";

function refusal(url: string, options?: EndpointOptions): SparkStreamError {
  try {
    new Endpoint(url, options);
  } catch (error) {
    expect(error).to.be.instanceOf(SparkStreamError);
    return error as SparkStreamError;
  }
  expect.fail(`${url} was accepted`);
}

describe("Endpoint", () => {
  let environment: string | undefined;

  beforeEach(() => {
    environment = process.env.SPARK_CONNECT_AUTHENTICATE_TOKEN;
    delete process.env.SPARK_CONNECT_AUTHENTICATE_TOKEN;
  });
  afterEach(() => {
    if (environment === undefined) delete process.env.SPARK_CONNECT_AUTHENTICATE_TOKEN;
    else process.env.SPARK_CONNECT_AUTHENTICATE_TOKEN = environment;
  });

  describe("of a URL", () => {
    const addresses: [url: string, address: string][] = [
      ["sc://spark.example.com", "spark.example.com:15002"],
      ["sc://spark.example.com/", "spark.example.com:15002"],
      ["sc://spark.example.com:443", "spark.example.com:443"],
      ["sc://spark.example.com:80/;user_id=u", "spark.example.com:80"],
      ["sc://SPARK.Example.com:15003/;", "spark.example.com:15003"],
      ["sc://10.0.0.7:15002", "10.0.0.7:15002"],
      ["sc://[2001:db8::80]", "[2001:db8::80]:15002"],
      ["sc://[2001:db8::1]:80", "[2001:db8::1]:80"],
      ["sc://under_score:1", "under_score:1"],
    ];
    for (const [url, address] of addresses) {
      it(`has the address ${address} for ${url}`, () => {
        expect(new Endpoint(url).address).to.equal(address);
      });
    }

    const refused: [url: string, why: RegExp][] = [
      ["", /begin with sc:\/\//],
      ["spark.example.com:15002", /begin with sc:\/\//],
      ["https://spark.example.com", /begin with sc:\/\//],
      ["sc://", /host or port/],
      ["sc://:15002", /host or port/],
      ["sc://host:99999", /host or port/],
      ["sc://host:port", /host or port/],
      ["sc://host:0", /port is 0/],
      ["sc://ho st", /host or port/],
      ["sc://host\n", /host or port/],
      ["sc://user@host", /user_id/],
      ["sc://user:pass@host", /user_id/],
      ["sc://host;user_id=u", /follow the address/],
      ["sc://host/path", /follow the address/],
      ["sc://host/;user_id", /key=value/],
      ["sc://host/;=u", /key=value/],
      ["sc://host/;user_id=%zz", /percent-encoded/],
      ["sc://host/;use_ssl=yes", /use_ssl must be true or false/],
      ["sc://host/;session_id=mine", /session_id must be a UUID/],
      ["sc://host/;grpc_keepalive_time_ms=0", /grpc_keepalive_time_ms must be a whole number above 0/],
      ["sc://host/;grpc_max_message_size=1e9", /grpc_max_message_size must be a whole number above 0/],
      [`sc://host/;user_agent=${"é".repeat(400)}`, /2048 characters/],
    ];
    for (const [url, why] of refused) {
      it(`refuses ${JSON.stringify(url).slice(0, 60)} and says why`, () => {
        expect(refusal(url)).to.include({ code: "INVALID_URL" }).with.property("message").that.matches(why);
      });
    }

    // The rest of such a URL, with the token in it, was silently dropped: to the URL standard it was a query.
    for (const url of [`sc://host?token=${SECRET}`, `sc://host:1#;token=${SECRET}`, "sc://host\\;use_ssl=true"]) {
      it(`refuses ${url.replace(SECRET, "…")}, of which a part would be lost`, () => {
        expect(refusal(url)).to.have.property("code", "INVALID_URL");
      });
    }

    it("takes its parameters percent-decoded", () => {
      const endpoint = new Endpoint(`sc://host/;user_id=a%20b%3Bc;session_id=${UUID};user_agent=caf%C3%A9`);
      expect(endpoint.userId).to.equal("a b;c");
      expect(endpoint.sessionId).to.equal(UUID);
      expect(endpoint.userAgent).to.match(/^café spark-arrow-stream/);
    });

    it("keeps a value that has an equals sign or a plus sign in it", async () => {
      expect(await new Endpoint("sc://host/;token=a+b==").token()).to.equal("a+b==");
    });

    it("takes the last of a parameter that comes twice", () => {
      expect(new Endpoint("sc://host/;user_id=one;user_id=two").userId).to.equal("two");
    });

    it("sends what it does not know as headers, and nothing of what it knows", () => {
      const known =
        `token=t;use_ssl=true;user_id=u;user_agent=a;session_id=${UUID};grpc_max_message_size=1;grpc_keepalive_enabled=true;` +
        "grpc_keepalive_time_ms=1;grpc_keepalive_timeout_ms=1;grpc_keepalive_without_calls=true";
      const endpoint = new Endpoint(`sc://host/;${known};x-databricks-cluster-id=0123-456`);
      expect(endpoint.headers).to.deep.equal({ "x-databricks-cluster-id": "0123-456" });
    });

    it("sends nothing as a header of what an option overrides", () => {
      const url = `sc://host/;token=${SECRET};user_id=u;user_agent=a;session_id=${UUID}`;
      const endpoint = new Endpoint(url, { token: "t", userId: "o", userAgent: "b", sessionId: UUID });
      expect(endpoint.headers).to.deep.equal({});
    });
  });

  describe("by default", () => {
    it("is the user that runs the process, with no token, no TLS and messages of 128 MiB at most", () => {
      const endpoint = new Endpoint("sc://host");
      expect(endpoint.userId).to.equal(userInfo().username);
      expect(endpoint.hasToken).to.equal(false);
      expect(endpoint.tls).to.equal(false);
      expect(endpoint.sessionId).to.equal(undefined);
      expect(endpoint.maxMessageBytes).to.equal(128 * 1024 * 1024);
      expect(endpoint.userAgent).to.equal(
        `spark-arrow-stream/${version} node/${process.versions.node} os/${process.platform}`,
      );
    });

    // Every 60 s, Spark 3.5 to 4.2 closed the connection after three minutes: "too_many_pings".
    it("pings less often than a gRPC server in Java takes amiss, which is every five minutes, and never without a call", () => {
      const { timeMs, withoutCalls } = new Endpoint("sc://host").keepalive!;
      expect(timeMs).to.be.above(5 * 60_000);
      expect(withoutCalls).to.equal(false);
    });

    it("takes the limit of a message and the keepalive from the URL", () => {
      const parameters = "grpc_max_message_size=4194304;grpc_keepalive_time_ms=15000;grpc_keepalive_timeout_ms=5000";
      const endpoint = new Endpoint(`sc://host/;${parameters};grpc_keepalive_without_calls=FALSE`);
      expect(endpoint.maxMessageBytes).to.equal(4_194_304);
      expect(endpoint.keepalive).to.deep.equal({ timeMs: 15_000, timeoutMs: 5_000, withoutCalls: false });
      expect(new Endpoint("sc://host/;grpc_keepalive_enabled=false").keepalive).to.equal(undefined);
    });
  });

  describe("and its token", () => {
    it("prefers the option to the URL, and the URL to the environment", async () => {
      process.env.SPARK_CONNECT_AUTHENTICATE_TOKEN = "environment";
      expect(await new Endpoint("sc://host/;token=url", { token: "option" }).token()).to.equal("option");
      expect(await new Endpoint("sc://host/;token=url").token()).to.equal("url");
      expect(await new Endpoint("sc://host").token()).to.equal("environment");
      process.env.SPARK_CONNECT_AUTHENTICATE_TOKEN = "";
      expect(new Endpoint("sc://host").hasToken).to.equal(false);
    });

    it("asks a function for it each time, so that it may rotate", async () => {
      let calls = 0;
      const endpoint = new Endpoint("sc://host", { token: async () => `token ${++calls}` });
      expect(await endpoint.token()).to.equal("token 1");
      expect(await endpoint.token()).to.equal("token 2");
    });

    it("says so where the function fails that gives it, and has its error as the cause", async () => {
      const cause = new Error("vault is sealed");
      const endpoint = new Endpoint("sc://host", { token: () => Promise.reject(cause) });
      const error = await endpoint.token().catch((error: unknown) => error);
      expect(error).to.be.instanceOf(SparkStreamError).with.include({ code: "UNAUTHENTICATED", cause });
      expect((error as Error).message).to.include("vault is sealed");
    });

    // gRPC's own error for a header that cannot be sent is "Metadata string value "Bearer …" contains illegal characters".
    for (const token of [`${SECRET}\n`, `${SECRET}\u00e9`, "", 5 as never]) {
      it(`refuses ${inspect(token).replace(SECRET, "…")}, which no header can carry, without showing it`, async () => {
        expect(inspect(refusal("sc://host", { token })))
          .to.include("INVALID_ARGUMENT")
          .and.not.to.include(SECRET);
        const later = await new Endpoint("sc://host", { token: () => token }).token().catch((error: unknown) => error);
        expect(later).to.be.instanceOf(SparkStreamError).with.property("code", "INVALID_ARGUMENT");
        expect(inspect(later)).not.to.include(SECRET);
      });
    }

    it("implies TLS, unless the server is on this machine", () => {
      expect(new Endpoint("sc://host/;token=t").tls).to.deep.equal({});
      expect(new Endpoint("sc://127.0.0.1.example.com/;token=t").tls).to.deep.equal({});
      for (const host of ["localhost", "127.0.0.1", "127.8.9.10", "[::1]"]) {
        expect(new Endpoint(`sc://${host}/;token=t`).tls, host).to.equal(false);
      }
    });

    it("is not sent in plain text to another machine, even where that is asked for", () => {
      expect(refusal("sc://host/;token=t;use_ssl=false").message).to.match(/plain text to another machine/);
      expect(refusal("sc://host", { token: "t", tls: false }).message).to.match(/plain text to another machine/);
      expect(new Endpoint("sc://localhost", { token: "t", tls: false }).tls).to.equal(false);
    });

    const credentials = ["authorization", "Proxy-Authorization", "cookie", "x-api-key", "X-Auth-Token", "my.secret"];
    it("has its rules in common with headers that are credentials by their names", () => {
      for (const name of credentials) {
        const headers = { [name]: SECRET };
        for (const endpoint of [new Endpoint("sc://host", { headers }), new Endpoint(`sc://host/;${name}=${SECRET}`)]) {
          expect(endpoint.tls, name).to.deep.equal({});
        }
        for (const options of [{ headers, tls: false }, { headers }]) {
          const error = refusal("sc://host/;use_ssl=false", options);
          expect(error).to.have.property("code", "INVALID_URL");
          expect(error.message).to.include(`header "${name}" in plain text to another machine`);
          expect(inspect(error)).not.to.include(SECRET);
        }
        expect(new Endpoint("sc://127.0.0.1", { headers }).tls, name).to.equal(false);
      }
      for (const name of ["x-databricks-cluster-id", "x-trace", "x-monkey", "x-partition-key"]) {
        expect(new Endpoint("sc://host", { headers: { [name]: "v" } }).tls, name).to.equal(false);
      }
    });

    it("goes over TLS on this machine where that is asked for", () => {
      expect(new Endpoint("sc://localhost/;token=t;use_ssl=true").tls).to.deep.equal({});
      const tls = { ca: "PEM" };
      expect(new Endpoint("sc://localhost/;use_ssl=false", { tls }).tls).to.equal(tls);
    });
  });

  describe("and its headers", () => {
    it("prefers the option to the URL", () => {
      const endpoint = new Endpoint("sc://host/;x-a=url;x-b=url", { headers: { "x-a": "option" } });
      expect(endpoint.headers).to.deep.equal({ "x-a": "option", "x-b": "url" });
    });

    const refused: [headers: Record<string, unknown>, why: string][] = [
      [{ "x a": "v" }, "is not a valid header name"],
      [{ "x-bin": "v" }, "is a binary one"],
      [{ "x-a": `${SECRET}\r\nx-b: v` }, "printable ASCII"],
      [{ "x-a": 1 }, "must be a string"],
    ];
    for (const [headers, why] of refused) {
      it(`refuses ${JSON.stringify(headers).replace(SECRET, "…")} without showing the value`, () => {
        const error = refusal("sc://host", { headers: headers as Record<string, string> });
        expect(error).to.include({ code: "INVALID_ARGUMENT" }).with.property("message").that.includes(why);
        expect(inspect(error)).not.to.include(SECRET);
      });
    }
  });

  // gRPC took `unix:15002` for the path of a socket, and `dns:443` for a host called 443.
  it("is a target that gRPC cannot take for another scheme, whatever the host is called", () => {
    for (const host of ["unix", "dns", "ipv4", "xds"]) {
      expect(new Endpoint(`sc://${host}`).target).to.equal(`dns:///${host}:15002`);
    }
    expect(new Endpoint("sc://[::1]:1").target).to.equal("dns:///[::1]:1");
  });

  describe("keeps secrets", () => {
    it("shows neither token nor headers when it is printed or made JSON of, at any depth", () => {
      const endpoint = new Endpoint(`sc://host/;token=${SECRET};x-key=${SECRET}`);
      for (const shown of [
        inspect(endpoint),
        inspect({ a: { b: { endpoint } } }, { depth: 9 }),
        JSON.stringify(endpoint),
      ]) {
        expect(shown).to.include("host:15002").and.not.to.include(SECRET);
      }
    });

    // The URL standard's own error has the text that it could not read, and was the cause.
    for (const url of [
      `sc://host/;token=${SECRET};use_ssl=maybe`,
      `sc://host/;token=${SECRET}%zz`,
      `sc://host;token=${SECRET}`,
      `sc://user:${SECRET}@host`,
      `sc://user:${SECRET}@host:99999`,
      `sc://host/${SECRET}`,
      `sc://host/;${SECRET}`,
    ]) {
      it(`shows nothing of ${url.replace(SECRET, "…")} in the error that refuses it`, () => {
        expect(inspect(refusal(url), { depth: 9, showHidden: true }).replace(/\n {4}at .*/g, "")).not.to.include(
          SECRET,
        );
      });
    }
  });
});
