import { type DescField, type DescFile, type DescMessage, ScalarType } from "@bufbuild/protobuf";

/** What a .proto says about the wire, each kind by full name: the value is what two sides must agree on. */
export interface ProtoFacts {
  /** Messages, enums and services; the value says which. */
  readonly types: Map<string, string>;
  readonly numbers: Map<string, string>;
  readonly fieldTypes: Map<string, string>;
  /** "single", "optional", "repeated" or "map", and the oneof a field is in. */
  readonly labels: Map<string, string>;
  readonly enumValues: Map<string, string>;
  readonly rpcs: Map<string, string>;
}

const noFacts = (): ProtoFacts => ({
  types: new Map(),
  numbers: new Map(),
  fieldTypes: new Map(),
  labels: new Map(),
  enumValues: new Map(),
  rpcs: new Map(),
});

/** The facts of compiled descriptors. */
export function factsOf(files: Iterable<DescFile>): ProtoFacts {
  const facts = noFacts();
  for (const file of files) {
    for (const message of file.messages) addMessage(facts, message);
    addEnums(facts, file.enums);
    for (const service of file.services) {
      facts.types.set(service.typeName, "service");
      for (const { name, methodKind, input, output } of service.methods) {
        facts.rpcs.set(`${service.typeName}.${name}`, `${methodKind} (${input.typeName}) returns (${output.typeName})`);
      }
    }
  }
  return facts;
}

function addMessage(facts: ProtoFacts, message: DescMessage): void {
  facts.types.set(message.typeName, "message");
  for (const field of message.fields) {
    const name = `${message.typeName}.${field.name}`;
    facts.numbers.set(name, String(field.number));
    facts.fieldTypes.set(name, typeOf(field));
    facts.labels.set(name, labelOf(field));
  }
  addEnums(facts, message.nestedEnums);
  for (const nested of message.nestedMessages) addMessage(facts, nested);
}

function addEnums(facts: ProtoFacts, enums: DescFile["enums"]): void {
  for (const { typeName, values } of enums) {
    facts.types.set(typeName, "enum");
    for (const { name, number } of values) facts.enumValues.set(`${typeName}.${name}`, String(number));
  }
}

function typeOf(field: DescField): string {
  const type = field.message?.typeName ?? field.enum?.typeName ?? ScalarType[field.scalar ?? 0]?.toLowerCase();
  return field.fieldKind === "map" ? `map<${ScalarType[field.mapKey]?.toLowerCase()}, ${type}>` : String(type);
}

function labelOf(field: DescField): string {
  if (field.oneof) return `single in oneof ${field.oneof.name}`;
  if (field.fieldKind === "list") return "repeated";
  if (field.fieldKind === "map") return "map";
  return field.proto.proto3Optional ? "optional" : "single";
}

const statement = new RegExp(
  [
    /\b(?<block>message|enum|oneof|service)\s+(?<blockName>\w+)\s*\{/,
    /\brpc\s+(?<rpc>\w+)\s*\((?<input>[^)]+)\)\s*returns\s*\((?<output>[^)]+)\)/,
    /(?:\b(?<label>optional|repeated)\s+)?(?<type>map<[^>]+>|\b[\w.]+)\s+(?<field>\w+)\s*=\s*(?<number>\d+)/,
    /\b(?<value>\w+)\s*=\s*(?<valueNumber>\d+)/,
    /(?<end>\})/,
  ]
    .map((part) => part.source)
    .join("|"),
  "g",
);

/**
 * The facts of .proto source, for the little of its grammar that our own files use. Names of types stay as they are
 * written there, without the scopes that a compiler would add; compare them through {@link shortNames}.
 */
export function factsOfSource(source: string): ProtoFacts {
  const facts = noFacts();
  const text = source.replace(/\/\/.*/g, "");
  const packageName = /\bpackage\s+([\w.]+);/.exec(text)?.[1] ?? "";
  const scopes: { kind: string; name: string }[] = [{ kind: "package", name: packageName }];
  for (const { groups = {} } of text.matchAll(statement)) {
    const path = scopes.filter(({ kind }) => kind !== "oneof").map(({ name }) => name);
    const named = (name: string | undefined): string => [...path, name].join(".");
    const oneof = scopes.at(-1)?.kind === "oneof" ? scopes.at(-1)?.name : undefined;
    if (groups.block) {
      scopes.push({ kind: groups.block, name: String(groups.blockName) });
      if (groups.block !== "oneof") facts.types.set(named(groups.blockName), groups.block);
    } else if (groups.end) {
      scopes.pop();
    } else if (groups.rpc) {
      facts.rpcs.set(named(groups.rpc), rpcOf(String(groups.input), String(groups.output)));
    } else if (groups.field && groups.type) {
      const name = named(groups.field);
      const label = groups.label ?? (groups.type.startsWith("map<") ? "map" : "single");
      facts.numbers.set(name, String(groups.number));
      facts.fieldTypes.set(name, groups.type);
      facts.labels.set(name, oneof ? `${label} in oneof ${oneof}` : label);
    } else if (groups.value) {
      facts.enumValues.set(named(groups.value), String(groups.valueNumber));
    }
  }
  return facts;
}

function rpcOf(input: string, output: string): string {
  const kinds = { "false false": "unary", "false true": "server_streaming", "true false": "client_streaming" };
  const streams = (type: string): boolean => /^stream\s/.test(type);
  const kind = Object.entries(kinds).find(([key]) => key === `${streams(input)} ${streams(output)}`)?.[1];
  return `${kind ?? "bidi_streaming"} (${input.replace(/^stream\s+/, "")}) returns (${output.replace(/^stream\s+/, "")})`;
}

/** The same facts with every type named by its last part: `spark.connect.Expression.Literal` becomes `Literal`. */
export function shortNames(facts: ProtoFacts): ProtoFacts {
  const shorten = (map: Map<string, string>): Map<string, string> =>
    new Map([...map].map(([name, value]) => [name, value.replace(/\b(?:\w+\.)+(\w+)/g, "$1")]));
  return { ...facts, fieldTypes: shorten(facts.fieldTypes), rpcs: shorten(facts.rpcs) };
}

/** What `ours` says that `theirs` doesn't say, or says otherwise: one line each. What only `theirs` has is no fault. */
export function deviations(ours: Map<string, string>, theirs: Map<string, string>): string[] {
  return [...ours]
    .filter(([name, value]) => theirs.get(name) !== value)
    .map(([name, value]) => `${name}: ${value} here, ${theirs.get(name) ?? "unknown"} there`);
}
