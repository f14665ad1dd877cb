// fhir-kit-client in Node: finds the addresses, then walks what the CapabilityStatement says it can.

import { Client, CapabilityTool } from "fhir-kit-client";

import { answer, given } from "./talk.mjs";

const { base, token, patient } = await given();
const client = new Client({ baseUrl: base });
const told = {};

const addresses = await client.smartAuthMetadata();
told.authorize = String(addresses.authorizeUrl);
told.token = String(addresses.tokenUrl);

const statement = await client.capabilityStatement();
const tool = new CapabilityTool(statement);
const types = statement.rest[0].resource.map((one) => one.type);
const can = (type, code) => tool.resourceCan(type, code);

let status = 0;
await client.read({ resourceType: "Patient", id: patient }).catch((error) => (status = error.response?.status));
told.without = status;

client.bearerToken = token;
told.patient = (await client.read({ resourceType: "Patient", id: patient })).birthDate;

told.found = {};
for (const type of types.filter((type) => can(type, "search-type"))) {
  let page = await client.search({ resourceType: type, searchParams: { _count: "1" } });
  const ids = [];
  for (let pages = 0; page && pages < 200; pages += 1) {
    ids.push(...(page.entry ?? []).map((entry) => entry.resource.id));
    page = await client.nextPage({ bundle: page });
  }
  const [id] = ids;
  if (id && can(type, "read")) {
    const read = await client.read({ resourceType: type, id });
    if (read.id !== id) throw new Error(`${type}/${id} came back as ${read.id}`);
    const version = read.meta?.versionId;
    if (can(type, "vread") && version) await client.vread({ resourceType: type, id, version });
    if (can(type, "history-instance")) await client.history({ resourceType: type, id });
  }
  if (new Set(ids).size !== ids.length) throw new Error(`${type} came twice on the pages`);
  told.found[type] = ids.length;
}

const asked = { resourceType: "ImagingStudy", searchParams: { patient, _count: "1" } };
const first = await client.search(asked);
const second = await client.nextPage({ bundle: first });
if (second) told.back = (await client.prevPage({ bundle: second })).entry[0].resource.id === first.entry[0].resource.id;
told.posted = (await client.search({ ...asked, options: { postSearch: true } })).total;
const study = first.entry[0].resource;
told.subject = (await client.resolve({ reference: study.subject.reference, context: study })).id === patient;
const named = study.endpoint[0].reference;
told.endpoint = (await client.resolve({ reference: named, context: study })).connectionType.code;

const batch = await client.batch({
  body: {
    resourceType: "Bundle", type: "batch",
    entry: [`Patient/${patient}`, "ImagingStudy?_count=1", "ImagingStudy/nobody"].map((url) => ({ request: { method: "GET", url } })),
  },
});
told.batch = batch.entry.map((entry) => entry.response.status.slice(0, 3));

const everything = statement.rest[0].resource.find((one) => one.type === "Patient").operation?.some((one) => one.name === "everything");
if (everything) {
  const all = await client.operation({ name: "everything", resourceType: "Patient", id: patient, method: "GET" });
  told.everything = [...new Set(all.entry.map((entry) => entry.resource.resourceType))].sort();
}
answer(told);
