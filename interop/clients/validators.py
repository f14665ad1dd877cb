"""npm `fhir` and `@medplum/core`: whether everything we emit is valid FHIR R4, as two others see it."""

import json
import time
from collections import Counter
from typing import Any

from interop.scene import Failed, Scene, check
from tests.factories import Person, a_ct_series
from tests.papers import a_report, a_transaction
from tests.people import FHIR, Site, Software

Json = dict[str, Any]
PAGES = 60
FEW = 4  # of each type are read one by one
# Parameters that need a value of their own kind to find something.
BROKEN = {
    "resourceType": "ImagingStudy",
    "status": "finished",
    "colour": "green",
    "started": "yesterday",
    "series": [{"modality": {"code": "CT"}}],
}


def drive(scene: Scene) -> str:
    """All that a patient's app, the site, and somebody without a token are answered."""
    found = Found()
    patient = scene.allowed("Validated app", "launch/patient openid fhirUser patient/*.rs offline_access")
    found.walk(patient)
    found.export(patient)
    found.refusals(patient)
    found.of_a_site(scene.site("Validated site"))
    told = scene.node("validate.mjs", resources=found.resources, broken=BROKEN)
    (scene.seen / "validators.json").write_text(json.dumps(told, indent=1))
    check(all(told["noticed"].values()), "notices what is wrong", told["noticed"])
    if told["said"]:
        lines = [f"{one['where']}: {'; '.join(one['said'][:5])}" for one in told["said"]]
        raise Failed(f"{len(lines)} of {len(found.resources)} are not valid:\n  " + "\n  ".join(lines[:40]))
    kinds = Counter(one["resource"]["resourceType"] for one in found.resources)
    told = ", ".join(f"{many} {kind}" for kind, many in sorted(kinds.items()))
    return f"{len(found.resources)} answers valid: {told}"


class Found:
    """Every answer, with the question it came to."""

    def __init__(self) -> None:
        self.resources: list[Json] = []

    def keep(self, where: str, answer: Any) -> Json:
        resource = answer.json()
        self.resources.append({"where": f"{where} → {answer.status_code}", "resource": resource})
        return resource

    def ask(self, who: Software, path: str, status: int = 200) -> Json:
        answer = who.get(f"/fhir/{path}" if not path.startswith("http") else path, FHIR)
        check(answer.status_code == status, f"is answered {status} to {path}", (answer.status_code, answer.text[:300]))
        return self.keep(path, answer)

    def walk(self, app: Software) -> None:
        """What the CapabilityStatement names, called."""
        statement = self.ask(app, "metadata")
        for kind in statement["rest"][0]["resource"]:
            codes = {one["code"] for one in kind["interaction"]}
            name, ids = kind["type"], []
            if "search-type" in codes:
                ids = self.pages(app, f"{name}?_count=10")
                for words in ("_summary=true", "_summary=count", "_elements=id", "_total=accurate"):
                    self.ask(app, f"{name}?{words}")
                for one in kind.get("searchInclude", []):
                    self.ask(app, f"{name}?_include={one}")
                for one in kind.get("searchRevInclude", []):
                    self.ask(app, f"{name}?_revinclude={one}")
            for one in ids[:FEW]:
                read = self.ask(app, f"{name}/{one}")
                if "vread" in codes and "versionId" in read.get("meta", {}):
                    self.ask(app, f"{name}/{one}/_history/{read['meta']['versionId']}")
                if "history-instance" in codes:
                    self.ask(app, f"{name}/{one}/_history")
                for operation in kind.get("operation", []):
                    if name == "Patient" and operation["name"] == "everything":
                        self.ask(app, f"Patient/{one}/$everything")
        self.keep("batch", app.ask("POST", "/fhir", json=_batch(), headers={"Content-Type": FHIR, "Accept": FHIR}))

    def pages(self, app: Software, path: str) -> list[str]:
        ids = []
        for _ in range(PAGES):
            page = self.ask(app, path)
            for entry in page.get("entry", []):
                self.resources.append({"where": f"{path}: {entry.get('fullUrl')}", "resource": entry["resource"]})
                if entry["search"]["mode"] == "match":
                    ids.append(entry["resource"]["id"])
            following = [one["url"] for one in page["link"] if one["relation"] == "next"]
            if not following:
                return ids
            (path,) = following
        raise Failed(f"The pages of {path} do not end.")

    def export(self, app: Software) -> None:
        """The patient's own record in bulk, line by line."""
        begun = app.ask("GET", "/fhir/Patient/$export", headers={"Accept": FHIR, "Prefer": "respond-async"})
        check(begun.status_code == 202, "begins an export", begun.text[:300])
        for _ in range(PAGES):
            told = app.get(begun.headers["Content-Location"], "application/json")
            if told.status_code != 202:
                break
            time.sleep(1)
        for file in told.json()["output"]:
            for line in app.get(file["url"], "application/fhir+ndjson").text.splitlines():
                self.resources.append({"where": f"export of {file['type']}", "resource": json.loads(line)})
        check(any(one["where"].startswith("export") for one in self.resources), "exports something", told.text)

    def refusals(self, app: Software) -> None:
        """What is refused is told in valid FHIR, too."""
        self.ask(app, "ImagingStudy/nobody", 404)
        self.ask(app, "Nothing", 404)
        self.ask(app, "Patient?birthdate=yesterday", 400)
        self.ask(app, "ImagingStudy?patient=other", 403)
        self.keep("without a token", app.get("/fhir/Patient", FHIR, token=""))
        self.keep("a create", app.ask("POST", "/fhir/ServiceRequest", json={"resourceType": "ServiceRequest"}))

    def of_a_site(self, site: Site) -> None:
        """What a site is answered."""
        person = Person(name="Valid^Val", mrn="VALID-1", born="19800101", sex="O")
        site.pushes(*a_ct_series(2, study="validated", person=person))
        self.keep("transaction", site.sends(a_transaction(person, "validated", a_report("All is well."))))
        self.keep("$issue-claim", site.asks("issue-claim", person))
        self.keep("$claim-status", site.asks("claim-status", person, sealSeed=None, days=None))
        self.keep("no such operation", site.asks("no-such-thing", person))
        self.keep("not FHIR", site.sends({"resourceType": "ImagingStudy", "colour": "green"}, "/ImagingStudy"))


def _batch() -> Json:
    urls = ("Patient", "ImagingStudy?_count=1", "ImagingStudy/nobody")
    asked = [{"request": {"method": "GET", "url": url}} for url in urls]
    return {"resourceType": "Bundle", "type": "batch", "entry": asked}
