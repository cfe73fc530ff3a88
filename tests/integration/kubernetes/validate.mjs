// Holds Kubernetes manifests against the published schemas: values by kubernetes-models' validators, names of
// fields by the TypeScript compiler, which refuses an unknown one as an API server does.
//
// usage: node validate.mjs FILE.yaml ... Must be beside node_modules; prints each objection, exit code 1.
import { readFileSync, writeFileSync, mkdtempSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import * as yaml from "yaml";

const groups = {
  "cert-manager.io": "@kubernetes-models/cert-manager",
  "monitoring.coreos.com": "@kubernetes-models/prometheus-operator",
};

function moduleOf({ apiVersion, kind }) {
  const base = groups[apiVersion.split("/")[0]] ?? "kubernetes-models";
  return `${base}/${apiVersion}/${kind}`;
}

// Kubernetes reads YAML 1.1, where 0440 is octal.
const documents = process.argv.slice(2).flatMap((file) =>
  yaml.parseAllDocuments(readFileSync(file, "utf8"), { version: "1.1" })
    .map((document) => ({ file, object: document.toJS(), errors: document.errors }))
    .filter(({ object, errors }) => object || errors.length));

const objections = [];
let source = "";
for (const [index, { file, object, errors }] of documents.entries()) {
  const place = `${file}: ${object?.kind} ${object?.metadata?.name}`;
  if (errors.length) {
    objections.push(`${file}: ${errors[0]}`);
    continue;
  }
  try {
    const model = (await import(moduleOf(object)))[object.kind];
    new model(object).validate();
  } catch (error) {
    objections.push(`${place}: ${error.message}`);
  }
  source += `import type { I${object.kind} as T${index} } from "${moduleOf(object)}";\n`;
  source += `export const d${index}: T${index} = ${JSON.stringify(object)};\n`;
}

const folder = mkdtempSync(join(dirname(fileURLToPath(import.meta.url)), "validate-"));
try {
  const file = join(folder, "manifests.ts");
  writeFileSync(file, source);
  const program = ts.createProgram([file], {
    noEmit: true, strict: true, skipLibCheck: true, types: [], target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.CommonJS, moduleResolution: ts.ModuleResolutionKind.Node10,
  });
  for (const diagnostic of ts.getPreEmitDiagnostics(program)) {
    const line = diagnostic.file?.getLineAndCharacterOfPosition(diagnostic.start).line ?? 0;
    const { file: from, object } = documents[Math.floor(line / 2)] ?? {};
    objections.push(`${from}: ${object?.kind}: ${ts.flattenDiagnosticMessageText(diagnostic.messageText, "\n")}`);
  }
} finally {
  rmSync(folder, { recursive: true });
}

for (const objection of objections) console.log(objection);
console.log(`${documents.length} documents, ${objections.length} objections`);
process.exit(objections.length || !documents.length ? 1 : 0);
