/**
 * npx tsx bench/push-simulation.ts [-- --client-gbit 10]
 *
 * How fast a result can come, by where its data goes: N executors of some slots each make data, and links carry it, each of
 * which is shared evenly by what goes over it (max-min fairness). "result": from an executor to the driver and from there to
 * the client, so over both links of the driver. "push": from the executor to the client. "stored": from the executor to the
 * store, and from there to any number of consumers, on machines of their own. A figure of the links only: no Spark, no Node.
 */
import { parseArgs } from "node:util";
import { table } from "./table.js";

interface Link {
  readonly name: string;
  /** MB/s */
  readonly capacity: number;
}

/** Data that goes from one slot over these links; it is one of them, too. */
type Flow = readonly Link[];

interface Cluster {
  readonly executors: number;
  readonly slots: number;
  /** MB/s that one slot makes. */
  readonly making: number;
  /** MB/s */
  readonly executorLink: number;
  readonly driverLink: number;
  readonly clientLink: number;
}

/** MB/s of all flows together, and which kind of link is full: what the flows share is filled evenly until one is. */
function throughput(flows: readonly Flow[]): { megabytes: number; limit: string } {
  const rates = new Map<Flow, number>();
  const left = new Map(flows.flat().map((link) => [link, link.capacity]));
  let limit = "";
  for (let open = [...flows]; open.length > 0; ) {
    const users = (link: Link) => open.filter((flow) => flow.includes(link)).length;
    const [tightest, share] = [...left]
      .filter(([link]) => users(link) > 0)
      .map(([link, capacity]) => [link, capacity / users(link)] as const)
      .reduce((a, b) => (b[1] < a[1] ? b : a));
    limit ||= tightest.name;
    for (const flow of open.filter((candidate) => candidate.includes(tightest))) {
      rates.set(flow, share);
      for (const link of flow) left.set(link, left.get(link)! - share);
    }
    open = open.filter((flow) => !rates.has(flow));
  }
  return { megabytes: [...rates.values()].reduce((sum, rate) => sum + rate, 0), limit };
}

function flowsOf(cluster: Cluster, way: "result" | "push"): Flow[] {
  const { driverLink, clientLink } = cluster;
  const client = { name: "client's link", capacity: clientLink };
  const driver = ["in", "out"].map((side) => ({ name: `driver's link, ${side}`, capacity: driverLink }));
  return executorFlows(cluster, way === "result" ? [...driver, client] : [client]);
}

/** A flow from each slot, over its executor's link and those behind. */
function executorFlows({ executors, slots, making, executorLink }: Cluster, behind: readonly Link[]): Flow[] {
  return Array.from({ length: executors }, () => ({ name: "executors' links", capacity: executorLink })).flatMap(
    (executor) => Array.from({ length: slots }, () => [{ name: "slots", capacity: making }, executor, ...behind]),
  );
}

/** The flows out of a store to consumers on machines of their own. */
function readFlows(store: Link, consumers: number, reading: number, clientLink: number): Flow[] {
  return Array.from({ length: consumers }, () => [
    { name: "consumers", capacity: reading },
    { name: "client's link", capacity: clientLink },
    store,
  ]);
}

const { values } = parseArgs({
  options: {
    slots: { type: "string", default: "4" },
    "slot-megabytes": { type: "string", default: "60" },
    "executor-gbit": { type: "string", default: "10" },
    "driver-gbit": { type: "string", default: "10" },
    "client-gbit": { type: "string", default: "10,25,100" },
    executors: { type: "string", default: "1,2,4,8,16,32,64" },
    "store-gbit": { type: "string", default: "100" },
    consumers: { type: "string", default: "1,2,4,8,20,50,100" },
    "consumer-megabytes": { type: "string", default: "500" },
  },
});
const gbit = (text: string) => (Number(text) * 1e9) / 8 / 1e6;
const shown = ({ megabytes, limit }: ReturnType<typeof throughput>) => [megabytes.toFixed(0), limit];
const clients = values["client-gbit"].split(",");
const store = { name: "store's link", capacity: gbit(values["store-gbit"]) };
const lines: string[][] = [];
for (const client of clients) {
  for (const executors of values.executors.split(",").map(Number)) {
    const cluster: Cluster = {
      executors,
      slots: Number(values.slots),
      making: Number(values["slot-megabytes"]),
      executorLink: gbit(values["executor-gbit"]),
      driverLink: gbit(values["driver-gbit"]),
      clientLink: gbit(client),
    };
    const ways = [flowsOf(cluster, "result"), flowsOf(cluster, "push"), executorFlows(cluster, [store])];
    lines.push([`${client} Gbit/s`, `${executors}`, ...ways.flatMap((flows) => shown(throughput(flows)))]);
  }
}
const heads = ["result MB/s", "push MB/s", "stored MB/s"].flatMap((head) => [head, "limited by"]);
console.log(table(["client's link", "executors", ...heads], lines));

const readLines: string[][] = [];
for (const client of clients) {
  for (const consumers of values.consumers.split(",").map(Number)) {
    const flows = readFlows(store, consumers, Number(values["consumer-megabytes"]), gbit(client));
    readLines.push([`${client} Gbit/s`, `${consumers}`, ...shown(throughput(flows))]);
  }
}
console.log(`\n${table(["client's link", "consumers", "read from the store MB/s", "limited by"], readLines)}`);
