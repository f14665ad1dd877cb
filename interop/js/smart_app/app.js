// What an app does once the patient let it in: who, which scans, a picture, a new token, and the end of it.

const told = {};

async function look(client) {
  const patient = await client.patient.read();
  told.patient = patient.id;
  told.name = `${patient.name[0].given?.[0] ?? ""} ${patient.name[0].family ?? ""}`.trim() || patient.name[0].text;
  told.user = client.getFhirUser();
  told.scopes = client.getState("tokenResponse.scope");

  // Page after page of one, so that the links of a bundle are followed across origins.
  const studies = await client.request("ImagingStudy?_count=1&patient=" + client.patient.id, {
    pageLimit: 0, flat: true, resolveReferences: ["subject"],
  });
  told.studies = studies.map((study) => `${study.description} of ${study.subject.birthDate}`);
  const reports = await client.request("DiagnosticReport?patient=" + client.patient.id, { flat: true });
  told.reports = reports.map((report) => report.status);

  // The endpoint that the study names, with the token that opened the study (SMART Imaging Access).
  const [study] = studies;
  const uid = study.identifier[0].value.replace("urn:oid:", "");
  const base = study.contained.find((one) => `#${one.id}` === study.endpoint[0].reference).address;
  const bearer = { Authorization: client.getAuthorizationHeader() };
  const found = await fetch(`${base}/studies/${uid}/instances`, { headers: { ...bearer, Accept: "application/dicom+json" } });
  const [instance] = await found.json();
  const [series, object] = [instance["0020000E"].Value[0], instance["00080018"].Value[0]];
  const drawn = await fetch(`${base}/studies/${uid}/series/${series}/instances/${object}/rendered`, {
    headers: { ...bearer, Accept: "image/jpeg" },
  });
  const picture = document.querySelector("#picture");
  picture.src = URL.createObjectURL(await drawn.blob());
  await picture.decode();
  told.picture = `${picture.naturalWidth}×${picture.naturalHeight}`;

  const before = client.getState("tokenResponse.access_token");
  await client.refresh();
  told.refreshed = client.getState("tokenResponse.access_token") !== before;
  told.after = (await client.patient.read()).id === patient.id;

  const { revocation_endpoint } = await (await fetch(client.state.serverUrl + "/.well-known/smart-configuration")).json();
  const form = new URLSearchParams({
    token: client.getState("tokenResponse.refresh_token"), client_id: client.state.clientId,
  });
  const revoked = await fetch(revocation_endpoint, { method: "POST", body: form });
  told.revoked = revoked.status;
  await revoked.text();
  const refused = await fetch(client.state.serverUrl + "/Patient", { headers: bearer });
  told.refused = refused.status;
  await refused.text();
}

try {
  await look(await FHIR.oauth2.ready());
} catch (error) {
  told.error = `${error.name}: ${error.message}`;
}
document.querySelector("#told").textContent = JSON.stringify(told, null, 1);
document.body.dataset.done = "yes";
