// Somebody's receiver of SMART Health Links, at an origin that nobody registered: kill-the-clipboard, and what it
// leaves out: a file of the type application/smart-api-access (SMART Health Links 1.0), which its check of a manifest
// does not know. So that file is set aside before the check, and opened with the same library's key handling (jose).

import { SHLViewer } from "kill-the-clipboard";
import { compactDecrypt } from "jose";

const LIVE = "application/smart-api-access";
const RECIPIENT = "Riverbend Emergency";

async function receive(link, passcode) {
  const aside = [];
  const viewer = new SHLViewer({
    shlinkURI: link,
    fetch: async (url, init) => {
      const answer = await fetch(url, init);
      if (!answer.ok || init.method !== "POST") return answer;
      const manifest = await answer.json();
      aside.push(...manifest.files.filter((file) => file.contentType === LIVE));
      return Response.json({ ...manifest, files: manifest.files.filter((file) => file.contentType !== LIVE) });
    },
  });
  const resolved = await viewer.resolveSHL({ recipient: RECIPIENT, passcode });
  const bundles = resolved.fhirResources;
  const entries = bundles.flatMap((bundle) => bundle.entry.map((entry) => entry.resource));
  const pdf = entries.flatMap((one) => one.presentedForm ?? []).filter((form) => form.contentType === "application/pdf");
  return {
    label: viewer.shl.label, flags: viewer.shl.flag ?? "", bundles,
    types: entries.map((one) => one.resourceType),
    pdf: pdf.map((form) => atob(form.data).slice(0, 5)),
    live: await Promise.all(aside.map((file) => opened(file, viewer.shl.key))),
  };
}

async function opened(file, key) {
  const compact = file.embedded ?? (await (await fetch(file.location)).text());
  const octets = Uint8Array.from(atob(key.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.charCodeAt(0));
  return JSON.parse(new TextDecoder().decode((await compactDecrypt(compact, octets)).plaintext));
}

// The pictures, with the token that lay in the link.
async function look(live) {
  const bearer = { Authorization: `Bearer ${live.access_token}` };
  const asked = await Promise.all(live.query.map(async (query) => (await fetch(`${live.aud}/${query}`, { headers: bearer })).json()));
  const study = asked[0].entry.map((entry) => entry.resource).find((one) => one.resourceType === "ImagingStudy");
  const base = study.contained.find((one) => `#${one.id}` === study.endpoint[0].reference).address;
  const uid = study.identifier[0].value.replace("urn:oid:", "");
  const [series] = study.series;
  const place = `${base}/studies/${uid}/series/${series.uid}/instances/${series.instance[0].uid}`;
  const drawn = await fetch(`${place}/rendered`, { headers: { ...bearer, Accept: "image/jpeg" } });
  const picture = document.querySelector("#picture");
  picture.src = URL.createObjectURL(await drawn.blob());
  await picture.decode();
  return { asked: asked.map((one) => one.resourceType), picture: `${picture.naturalWidth}×${picture.naturalHeight}` };
}

window.receive = async (link, passcode) => {
  try {
    const told = await receive(link, passcode);
    for (const live of told.live) told.seen = await look(live);
    document.querySelector("#told").textContent = JSON.stringify({ types: told.types, seen: told.seen }, null, 1);
    return { ...told, live: told.live.length };
  } catch (error) {
    return { error: error.name, message: error.message };
  }
};
document.body.dataset.ready = "yes";
