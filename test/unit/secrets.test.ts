import { expect } from "chai";
import { isCredential, Secrets } from "../../lib/connect/rpc/secrets.js";

function hiding(...secrets: string[]): (text: string) => string {
  const known = new Secrets();
  for (const secret of secrets) known.add(secret);
  return (text) => known.hide(text);
}

describe("Secrets", () => {
  const token = "dapi/5ecret+t0ken=";

  it("are hidden wherever they occur, percent-encoded and in base64 as well", () => {
    const hide = hiding(token);
    expect(hide(`a ${token}, b${token}c`)).to.equal("a ***, b***c");
    expect(hide(`?token=${encodeURIComponent(token)}&x`)).to.equal("?token=***&x");
    for (const before of ["", "a", "ab", "me:", "Bearer "]) {
      for (const encoding of ["base64", "base64url"] as const) {
        const shown = hide(`got ${Buffer.from(`${before}${token}`).toString(encoding)} from you`);
        expect(shown, `${before} ${encoding}`).to.match(/^got .*\*\*\*.* from you$/);
        const left = shown.slice(4, -9).replaceAll(/\*\*\*.*/g, "");
        expect(Buffer.from(left, "base64").toString(), before).not.to.include("5e");
      }
    }
  });

  // With the token "e", a message read "Th*** s***rv***r do***s not answ***r".
  it("leave a message as it is where they are a letter, and hide it behind the word that it was sent with", () => {
    const hide = hiding("e", "a");
    expect(hide("The server has a name: e")).to.equal("The server has a name: e");
    expect(hide("no access for Bearer e, bearer a")).to.equal("no access for Bearer ***, bearer ***");
    expect(hide("Bearer else")).to.equal("Bearer else");
  });

  it("are hidden as whole words where they are short", () => {
    const hide = hiding("spark");
    expect(hide("token spark (Spark), sparkly, unspark, spark_2")).to.equal(
      "token *** (***), sparkly, unspark, spark_2",
    );
  });

  it("are those of a header's value too, without the scheme or the name before them", () => {
    const known = new Secrets();
    known.addHeader("Basic dXNlcjpwYXNzd29yZA==");
    known.addHeader("session=0123456789; theme=dark");
    expect(known.hide("you sent dXNlcjpwYXNzd29yZA== and 0123456789, dark")).to.equal("you sent *** and ***, dark");
  });

  it("are forgotten when many newer ones were sent", () => {
    const many = Array.from({ length: 100 }, (_, index) => `token-number-${index}-x`);
    const hide = hiding(...many);
    expect(hide(`${many[99]} ${many[70]} ${many[0]}`)).to.equal(`*** *** ${many[0]}`);
  });

  it("are told by the name of a header", () => {
    for (const name of ["Authorization", "cookie", "set-cookie", "x-api-key", "apikey", "x-goog-iap-jwt-assertion"]) {
      expect(isCredential(name), name).to.equal(true);
    }
    for (const name of ["x-databricks-cluster-id", "x-trace", "user-agent", "x-keyspace"]) {
      expect(isCredential(name), name).to.equal(false);
    }
  });
});
