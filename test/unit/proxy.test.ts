import { expect } from "chai";
import { proxyFor } from "../../lib/connect/rpc/proxy.js";

describe("proxyFor", () => {
  const http_proxy = "http://proxy.test:3128";

  it("prefers grpc_proxy to https_proxy to http_proxy, and takes port 80 where none is given", () => {
    const env = { http_proxy, https_proxy: "http://secure.test:1", grpc_proxy: "http://grpc.test" };
    expect(proxyFor("host", env)).to.include({ address: "grpc.test:80", variable: "grpc_proxy" });
    expect(proxyFor("host", { ...env, grpc_proxy: "" })).to.include({ address: "secure.test:1", port: 1 });
    expect(proxyFor("host", { http_proxy })).to.include({ address: "proxy.test:3128", host: "proxy.test" });
    expect(proxyFor("host", {})).to.equal(undefined);
  });

  it("is none for this machine", () => {
    for (const host of ["localhost", "127.0.0.1", "127.9.9.9", "::1"])
      expect(proxyFor(host, { http_proxy })).to.equal(undefined);
  });

  const exceptions: [no_proxy: string, host: string, excepted: boolean][] = [
    ["example.com", "example.com", true],
    ["example.com", "spark.example.com", true],
    ["example.com", "badexample.com", false],
    [".example.com", "spark.example.com", true],
    ["*.example.com", "spark.example.com", true],
    ["other.test, example.com", "example.com", true],
    ["EXAMPLE.com", "example.com", true],
    ["*", "example.com", true],
    // To grpc-js an empty entry is the end of every host.
    ["other.test,,", "example.com", false],
    ["10.0.0.0/8", "10.1.2.3", true],
    ["10.0.0.0/8", "11.1.2.3", false],
    ["10.0.0.0/99", "10.1.2.3", false],
    ["10.1.2.3", "10.1.2.3", true],
    ["2001:db8::/32", "2001:db8::7", true],
    ["2001:db8::/32", "2001:db9::7", false],
  ];
  for (const [no_proxy, host, excepted] of exceptions) {
    it(`is ${excepted ? "none" : "the proxy"} for ${host} where no_proxy is ${no_proxy}`, () => {
      expect(proxyFor(host, { http_proxy, no_proxy }) === undefined).to.equal(excepted);
    });
  }

  it("prefers no_grpc_proxy to no_proxy", () => {
    const env = { http_proxy, no_proxy: "*", no_grpc_proxy: "other.test" };
    expect(proxyFor("host", env)).to.include({ address: "proxy.test:3128" });
  });
});
