/** Finds out what answers at an address, if it is not a Spark Connect server: asked in HTTP/1.1, which most servers answer. */
import { connect, isIP, type Socket } from "node:net";
import type { Endpoint } from "./endpoint.js";

/** Bytes of an answer that are looked at. */
const ENOUGH = 8 * 1024;

/**
 * Resolves to a clause that says what answers, or to undefined if nothing answers. Never rejects.
 *
 * @param timeoutMs for all of it
 */
export async function whatAnswers(
  { host, port, tls, proxy }: Endpoint,
  timeoutMs: number,
): Promise<string | undefined> {
  if (proxy) return undefined;
  let socket: Socket;
  if (tls) {
    const { connect: connectTls } = await import("node:tls");
    const name = isIP(host) ? {} : { servername: host };
    socket = connectTls({ host, port, rejectUnauthorized: false, ALPNProtocols: ["http/1.1"], ...name });
  } else socket = connect({ host, port });
  const answer = await ask(socket, `GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`, timeoutMs);
  return answer === undefined ? undefined : describe(answer);
}

/** What comes, as text; undefined if nobody is there, or nothing came in time. */
async function ask(socket: Socket, question: string, timeoutMs: number): Promise<string | undefined> {
  return await new Promise((resolve) => {
    let answer = "";
    let asked = false;
    const settle = (found: string | undefined) => {
      clearTimeout(timer);
      socket.destroy();
      resolve(found);
    };
    const timer = setTimeout(() => settle(answer || undefined), timeoutMs);
    const send = () => {
      asked = true;
      socket.write(question);
    };
    socket.once("encrypted" in socket ? "secureConnect" : "connect", send);
    socket.on("data", (bytes: Buffer) => {
      answer += bytes.toString("latin1");
      if (answer.length >= ENOUGH) settle(answer);
    });
    socket.once("close", () => settle(asked ? answer : undefined));
    socket.on("error", () => settle(answer || (asked ? "" : undefined)));
  });
}

function describe(answer: string): string {
  if (answer === "") {
    return "it closes connections without a word, as a Thrift server does (HiveServer2, port 10000), or a load balancer with nothing behind it";
  }
  const [, status] = /^HTTP\/1\.[01] (\d{3}[^\r\n]*)/.exec(answer) ?? [];
  if (status === undefined) return "it answers HTTP with something else";
  const header = (name: string) => new RegExp(`^${name}: ([^\\r\\n]*)`, "im").exec(answer)?.[1];
  const title = /<title>\s*([^<]{1,100})/i.exec(answer)?.[1]?.trim();
  const details = [status, header("server"), header("location"), title].filter((detail) => detail);
  const kind = /livy/i.test(answer)
    ? "Livy, which has an interface of its own"
    : /\/jobs\/\s*$/.test(header("location") ?? "") || /spark/i.test(title ?? "")
      ? "Spark's web UI"
      : "a web server, or a proxy, that speaks HTTP/1 only";
  return `it is ${kind} (${details.join(", ")})`;
}
