/*
 * Makes the command line of a Spark Connect server, and the files that it reads. Java is started directly: the scripts
 * of spark-submit would first start another Java, to compute values that are known here.
 */
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Java } from "./java.js";
import type { SparkHome } from "./spark-home.js";

export interface LaunchOptions {
  home: SparkHome;
  java: Java;
  /** Private to this server. */
  directory: string;
  master: string;
  conf: Readonly<Record<string, string>>;
  port: number;
  /** The size of the heap, as in -Xmx. */
  driverMemory: string;
  /** More options of the Java virtual machine. */
  jvmOptions: readonly string[];
}

/**
 * The options that Spark passes to every Java it starts: org.apache.spark.launcher.JavaModuleOptions of 4.3, without
 * the incubating vector module, which not every Java has. Java ignores unknown ones.
 */
export const JVM_OPTIONS: readonly string[] = [
  "-XX:+IgnoreUnrecognizedVMOptions",
  ...[
    "java.base/java.lang",
    "java.base/java.lang.invoke",
    "java.base/java.lang.reflect",
    "java.base/java.io",
    "java.base/java.net",
    "java.base/java.nio",
    "java.base/java.util",
    "java.base/java.util.concurrent",
    "java.base/java.util.concurrent.atomic",
    "java.base/jdk.internal.ref",
    "java.base/sun.nio.ch",
    "java.base/sun.nio.cs",
    "java.base/sun.security.action",
    "java.base/sun.util.calendar",
    "java.security.jgss/sun.security.krb5",
  ].map((opened) => `--add-opens=${opened}=ALL-UNNAMED`),
  "-Dio.netty.tryReflectionSetAccessible=true",
  "-Dio.netty.allocator.type=pooled",
  "-Dio.netty.handler.ssl.defaultEndpointVerificationAlgorithm=NONE",
  "--sun-misc-unsafe-memory-access=allow",
  "--enable-native-access=ALL-UNNAMED",
  "-Dderby.connection.requireAuthentication=false",
];

const SERVER_CLASS = "org.apache.spark.sql.connect.service.SparkConnectServer";

/** The line in the server's log that shows that it accepts calls; the group is its port. */
export const STARTED = /Spark Connect server started at: \S*:(\d+)/;

const LOG4J2 = `status = error
rootLogger.level = warn
rootLogger.appenderRef.log.ref = log
appender.log.type = Console
appender.log.name = log
appender.log.target = SYSTEM_ERR
appender.log.layout.type = PatternLayout
appender.log.layout.pattern = %d{HH:mm:ss.SSS} %p %c{1}: %m%n%ex
logger.server.name = ${SERVER_CLASS}
logger.server.level = info
logger.native.name = org.apache.hadoop.util.NativeCodeLoader
logger.native.level = error
`;

/** Writes the server's files into its directory, and returns the command that starts it. */
export async function prepareLaunch(options: LaunchOptions): Promise<string[]> {
  const { home, java, directory, driverMemory, jvmOptions } = options;
  const path = (name: string) => join(directory, name);
  await Promise.all(["conf", "local", "tmp"].map((name) => mkdir(path(name))));

  const jars = (await readdir(join(home.dir, "jars"))).filter((name) => name.endsWith(".jar")).sort();
  // Spark's own launcher puts slf4j-api first. The order is fixed, since a class archive belongs to one class path.
  const first = jars.filter((name) => name.startsWith("slf4j-api-"));
  const classPath = [...first, ...jars.filter((name) => !first.includes(name))].map((name) =>
    join(home.dir, "jars", name),
  );

  const args = [
    `-Xmx${driverMemory}`,
    ...JVM_OPTIONS,
    ...jvmOptions,
    `-Djava.io.tmpdir=${path("tmp")}`,
    `-Dderby.system.home=${path("derby")}`,
    `-Dlog4j2.configurationFile=${pathToFileURL(path("log4j2.properties")).href}`,
    ...["-cp", classPath.join(":"), "org.apache.spark.deploy.SparkSubmit"],
    ...["--properties-file", path("spark.conf"), "--class", SERVER_CLASS, "spark-internal"],
  ];
  await writeFile(path("log4j2.properties"), LOG4J2);
  await writeFile(path("spark.conf"), properties(serverConf(options)));
  // An argument file: 280 jars would make an unreadable line in `ps`.
  await writeFile(path("java.args"), args.map(quoted).join("\n"));
  return [java.command, `@${path("java.args")}`];
}

function serverConf({ directory, master, conf, port }: LaunchOptions): Record<string, string> {
  return {
    "spark.app.name": "spark-arrow-stream",
    "spark.ui.enabled": "false",
    "spark.local.dir": join(directory, "local"),
    "spark.sql.warehouse.dir": join(directory, "warehouse"),
    // Spark's internal ports require a secret, too, which Spark generates itself.
    "spark.authenticate": "true",
    ...conf,
    "spark.master": master,
    "spark.connect.grpc.binding.address": "127.0.0.1",
    "spark.connect.grpc.binding.port": String(port),
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
  };
}

/**
 * The server's environment: ours, without the variables that configure another Spark, and with the token, which must
 * not appear on a command line.
 */
export function serverEnv(
  env: NodeJS.ProcessEnv,
  home: SparkHome,
  directory: string,
  token: string,
): NodeJS.ProcessEnv {
  const others = Object.entries(env).filter(([name]) => !name.startsWith("SPARK_") && name !== "PYTHONPATH");
  return {
    ...Object.fromEntries(others),
    SPARK_HOME: home.dir,
    SPARK_CONF_DIR: join(directory, "conf"), // empty
    SPARK_LOCAL_IP: "127.0.0.1",
    SPARK_CONNECT_AUTHENTICATE_TOKEN: token,
    ...(home.python && { PYSPARK_PYTHON: home.python, PYSPARK_DRIVER_PYTHON: home.python }),
  };
}

/** The format of java.util.Properties. */
export function properties(entries: Readonly<Record<string, string>>): string {
  const escaped = (text: string) =>
    text.replace(/[\\\n\r\t\f]/g, (c) => ({ "\n": "\\n", "\r": "\\r", "\t": "\\t", "\f": "\\f" })[c] ?? `\\${c}`);
  return Object.entries(entries)
    .map(([key, value]) => `${escaped(key).replace(/[ :=#!]/g, "\\$&")}=${escaped(value).replace(/^ /, "\\ ")}\n`)
    .join("");
}

/** One argument in the format of java's argument files. */
function quoted(argument: string): string {
  return `"${argument.replace(/["\\]/g, "\\$&")}"`;
}
