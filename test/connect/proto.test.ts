import { readFile } from "node:fs/promises";
import { createFileRegistry, fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { expect } from "chai";
import { file_google_rpc } from "../../lib/connect/generated/google-rpc_pb.js";
import { file_spark_connect } from "../../lib/connect/generated/spark-connect_pb.js";
import { runPython } from "../support/python.js";
import { deviations, factsOf, factsOfSource, type ProtoFacts, shortNames } from "./proto-facts.js";

/** Prints the descriptors that PySpark's own client is made of, imported files first. */
const dumpDescriptors = `
import base64, json
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.rpc import error_details_pb2, status_pb2
from pyspark.sql.connect.proto import base_pb2

found = {}
def add(file):
    if file.name not in found:
        for imported in file.dependencies:
            add(imported)
        found[file.name] = file.serialized_pb

for module in (status_pb2, error_details_pb2, base_pb2):
    add(module.DESCRIPTOR)
files = FileDescriptorSet()
for serialized in found.values():
    files.file.add().ParseFromString(serialized)
print(json.dumps(base64.b64encode(files.SerializeToString()).decode()))
`;

const generated = [file_spark_connect, file_google_rpc];

describe("our part of Spark Connect's protocol", () => {
  const ours = factsOf(generated);
  let sparks: ProtoFacts | undefined;

  /** Of the descriptors of the installed Spark. */
  async function readFacts(): Promise<ProtoFacts> {
    const base64 = (await runPython(dumpDescriptors)) as string;
    return factsOf(createFileRegistry(fromBinary(FileDescriptorSetSchema, Buffer.from(base64, "base64"))).files);
  }

  const concerns: Record<keyof ProtoFacts, string> = {
    types: "has only messages, enums and services that the installed Spark has, by their full names",
    numbers: "gives every field the number it has in the installed Spark",
    fieldTypes: "gives every field the type it has in the installed Spark",
    labels: "makes every field single, optional, repeated or a member of a oneof as the installed Spark does",
    enumValues: "gives every enum value the number it has in the installed Spark",
    rpcs: "calls every RPC with the messages and the streaming it has in the installed Spark",
  };

  for (const kind of Object.keys(concerns) as (keyof ProtoFacts)[]) {
    it(concerns[kind], async () => {
      sparks ??= await readFacts();
      expect(ours[kind], "nothing to compare").not.to.be.empty;
      expect(deviations(ours[kind], sparks[kind])).to.deep.equal([]);
    });
  }

  for (const file of generated) {
    it(`is generated from ${file.name}.proto as it stands (else: npm run generate)`, async () => {
      const source = factsOfSource(await readFile(new URL(`../../proto/${file.name}.proto`, import.meta.url), "utf8"));
      const compiled = shortNames(factsOf([file]));
      const differences = Object.keys(concerns).flatMap((kind) => {
        const [written, built] = [shortNames(source), compiled].map((facts) => facts[kind as keyof ProtoFacts]);
        return [...deviations(written!, built!), ...deviations(built!, written!)];
      });
      expect(source.types, "nothing to compare").not.to.be.empty;
      expect(differences).to.deep.equal([]);
    });
  }
});
