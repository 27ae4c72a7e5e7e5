import { once } from "node:events";
import { createServer } from "node:net";
import { connect as connectTls } from "node:tls";
import { inspect } from "node:util";
import { expect } from "chai";
import { createCertificate } from "../../lib/tasks/certificate.js";
import { type Claim, HELLO_BYTES } from "../../lib/tasks/claim.js";
import { TaskListener } from "../../lib/tasks/listener.js";
import { Secret } from "../../lib/tasks/proof.js";
import { helloOf, PushTask } from "../support/push-task.js";
import { errorOf } from "../support/scripted.js";
import { inTime, ownTimeOf, still, turns } from "../support/until.js";

const other = "ab".repeat(32);

const { now } = performance;
/** Stops the clock that the listener reads, at so many ms. */
function clockIs(ms: number): void {
  performance.now = () => ms;
}

/** Waits until the listener has looked at its strangers several times, as it does every 100 ms. */
const looks = () => still(() => undefined, 300);

/** A listener, and who has proven himself. */
async function listening({ tls = false } = {}) {
  const secret = new Secret();
  const certificate = tls ? await createCertificate() : undefined;
  const proven: Claim[] = [];
  const onTask = (claim: Claim) => proven.push(claim);
  const listener = await TaskListener.open({ host: "127.0.0.1", port: 0, secret, certificate, option: "push", onTask });
  const peer = { port: listener.port, secret: secret.hex, tls };
  return { listener, secret, certificate, proven, peer, [Symbol.asyncDispose]: () => listener.close() };
}

describe("The listener of a pushed stream", () => {
  afterEach(() => {
    performance.now = now;
  });

  for (const tls of [false, true]) {
    describe(tls ? "with TLS" : "on loopback", () => {
      it("takes a task that knows the secret, and proves that it does, too", async () => {
        await using place = await listening({ tls });
        using _ = await PushTask.proven(place.peer, 3, 1);
        expect(place.proven).to.have.length(1);
        expect(place.proven[0]).to.include({ partition: 3, attempt: 1 });
      });

      it("drops at once who has another secret, or says something else", async () => {
        await using place = await listening({ tls });
        using wrong = await PushTask.connect(place.peer);
        wrong.write(helloOf(other, await wrong.read(32), Buffer.alloc(32, 1), 0, 0));
        expect(await ownTimeOf(wrong.closed)).to.be.below(1000);
        using rude = await PushTask.connect(place.peer);
        rude.write(Buffer.alloc(HELLO_BYTES, "GET / HTTP/1.1\r\n"));
        expect(await ownTimeOf(rude.closed)).to.be.below(1000);
        expect(place.proven).to.deep.equal([]);
      });

      it("drops who says a hello again that was heard before", async () => {
        await using place = await listening({ tls });
        using first = await PushTask.connect(place.peer);
        const hello = helloOf(place.peer.secret, await first.read(32), Buffer.alloc(32, 1), 0, 0);
        first.write(hello);
        await first.read(32);
        using second = await PushTask.connect(place.peer);
        second.write(hello);
        await second.closed;
        expect(place.proven).to.have.length(1);
      });

      it("drops after five seconds who says nothing, or too little", async () => {
        await using place = await listening({ tls });
        clockIs(0);
        using silent = await PushTask.connect(place.peer);
        using slow = await PushTask.connect(place.peer);
        slow.write(Buffer.from("SAS1"));
        let dropped = 0;
        const both = Promise.all([silent, slow].map(({ closed }) => closed.then(() => dropped++)));
        await turns();
        clockIs(4_999);
        await looks();
        expect(dropped).to.equal(0);
        clockIs(5_001);
        await inTime(both, "both are dropped");
      });
    });
  }

  it("drops who sends more than 4 KB before he has proven himself", async () => {
    await using place = await listening({ tls: true });
    // The beginning of a TLS record of 16 KB, of a handshake that never comes.
    const record = Buffer.concat([Buffer.from([22, 3, 1, 0x3f, 0xff, 1, 0, 0x3f, 0xfb]), Buffer.alloc(16_000, 3)]);
    using stranger = await PushTask.connect({ port: place.peer.port });
    stranger.write(record.subarray(0, 4000));
    await looks();
    expect(stranger.socket.destroyed).to.equal(false);
    stranger.write(record.subarray(4000, 5000));
    expect(await ownTimeOf(stranger.closed)).to.be.below(1000);
  });

  it("speaks TLS 1.3 only, by a certificate of its own", async () => {
    await using place = await listening({ tls: true });
    await using again = await listening({ tls: true });
    const { port } = place.peer;
    const old = connectTls({ port, host: "127.0.0.1", rejectUnauthorized: false, maxVersion: "TLSv1.2" });
    const [error] = await once(old, "error");
    expect(error.message).to.match(/protocol version/i);
    const socket = connectTls({ port, host: "127.0.0.1", rejectUnauthorized: false });
    await once(socket, "secureConnect");
    expect(socket.getProtocol()).to.equal("TLSv1.3");
    const fingerprint = socket.getPeerX509Certificate()!.fingerprint256.replaceAll(":", "").toLowerCase();
    socket.destroy();
    expect(fingerprint).to.equal(place.certificate!.fingerprint).and.not.equal(again.certificate!.fingerprint);
  });

  it("lets many strangers stand in no task's way: the oldest of them has to go", async () => {
    await using place = await listening();
    const strangers = await Promise.all(Array.from({ length: 150 }, () => PushTask.connect(place.peer)));
    expect(await ownTimeOf(Promise.all(strangers.slice(0, 10).map(({ closed }) => closed)))).to.be.below(2000);
    using _ = await PushTask.proven(place.peer, 0);
    expect(place.proven).to.have.length(1);
    for (const stranger of strangers) stranger.socket.destroy();
  });

  it("lets nobody prove anything by a secret that is dead", async () => {
    await using place = await listening();
    place.secret.forget();
    expect(await PushTask.proven(place.peer, 0).catch((error: Error) => error.message)).to.equal(
      "The connection has ended.",
    );
    expect(place.secret.hex).to.equal("");
  });

  it("never shows the secret", async () => {
    const secret = new Secret();
    const shown = [inspect(secret), JSON.stringify(secret), String(secret)].join();
    expect(shown).not.to.include(secret.hex);
    expect(shown).not.to.include(Buffer.from(secret.hex, "hex").toString("base64"));
  });

  it("says that a port is taken, or that a host is none of this machine", async () => {
    await using place = await listening();
    const options = {
      host: "127.0.0.1",
      port: place.listener.port,
      secret: new Secret(),
      certificate: undefined,
      option: "push",
    };
    const onTask = () => {};
    const taken = await errorOf(TaskListener.open({ ...options, onTask }));
    expect(taken).to.include({ code: "PORT_IN_USE" });
    expect(taken.message).to.include(`127.0.0.1:${place.listener.port}`);
    const foreign = await errorOf(TaskListener.open({ ...options, port: 0, host: "192.0.2.1", onTask }));
    expect(foreign).to.include({ code: "INVALID_ARGUMENT" });
    expect(foreign.message).to.include("push.host");
  });

  it("closes its port and all connections", async () => {
    const place = await listening();
    using task = await PushTask.proven(place.peer, 0);
    await place.listener.close();
    await task.closed;
    await place.listener.close();
    const again = createServer().listen(place.peer.port, "127.0.0.1");
    await once(again, "listening");
    again.close();
  });
});
