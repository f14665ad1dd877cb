"""The CapabilityStatement and what the server does are the same: all that it lists is called, and some that it does not.

Whatever a type declares is asked for once in its own words; nothing declared may be refused, and nothing that is not
declared may be served or fall over.
"""

import pytest

from tests import factories as make
from tests.fhir_gateway.conftest import darkroom, house, patient, site  # noqa: F401  fixtures
from tests.fhir_gateway.house import nobody
from tests.fhir_gateway.papers import a_push

REFUSED = {400, 401, 403, 404, 405, 406, 415}
ONE_OF = {"token": "x", "date": "2024", "reference": "x", "string": "x", "uri": "urn:x", "number": "1", "quantity": "1"}


@pytest.fixture
def pushed(site, patient):  # noqa: F811
    site.sends(a_push())
    site.stores(make.an_instance())
    return patient


@pytest.fixture
def app(pushed):
    return pushed.lets_in()


@pytest.fixture
def stated(house):  # noqa: F811
    return nobody(house).get("/fhir/metadata").json


@pytest.fixture
def kinds(stated):
    return {one["type"]: one for one in stated["rest"][0]["resource"]}


def codes(kind):
    return {one["code"] for one in kind["interaction"]}


def one_of(app, kind):
    """The id of one resource of the type, where the patient has one."""
    found = app.matches(kind) if kind != "Binary" else []
    if kind == "Binary":
        return app.matches("DiagnosticReport")[0]["presentedForm"][0]["url"].rpartition("/")[2]
    return found[0]["id"] if found else None


@pytest.mark.case("3.1")
def test_it_says_who_speaks_and_how(stated):
    assert (stated["kind"], stated["fhirVersion"], stated["status"]) == ("instance", "4.0.1", "active")
    rest = stated["rest"][0]
    assert {one["code"] for one in rest["interaction"]} == {"transaction", "batch"}
    (addresses,) = rest["security"]["extension"]
    assert addresses["url"].endswith("/StructureDefinition/oauth-uris")
    assert {"authorize", "token"} <= {one["url"] for one in addresses["extension"]}
    for kind in rest["resource"]:
        assert kind["referencePolicy"]
        assert kind["versioning"] in ("versioned", "no-version")
        assert kind["conditionalRead"] == "full-support"
        assert (kind["updateCreate"], kind["conditionalUpdate"], kind["conditionalDelete"]) == (
            False,
            False,
            "not-supported",
        )


def test_every_interaction_it_lists_works(app, site, kinds):  # noqa: F811
    for name, kind in kinds.items():
        listed = codes(kind)
        known = one_of(app, name)
        if "search-type" in listed:
            assert app.search(name).status_code == 200, name
            by_form = app.http.post(f"/fhir/{name}/_search", headers={"Authorization": f"Bearer {app.token}"})
            assert by_form.status_code == 200, name
        if "create" in listed:
            assert site.creates({"resourceType": name, "nonsense": 1}).status_code == 422, name
        if known is None:
            continue
        accept = "application/fhir+json"
        if "read" in listed:
            read = app.reads(name, known, accept)
            assert read.status_code == 200, name
            version = read.json["meta"]["versionId"]
            assert app.reads(name, known, accept, If_None_Match=read.headers["ETag"]).status_code == 304
        if "vread" in listed:
            assert app.get(f"/fhir/{name}/{known}/_history/{version}").status_code == 200, name
        if "history-instance" in listed:
            assert app.get(f"/fhir/{name}/{known}/_history").json["type"] == "history", name


def test_every_parameter_it_lists_is_understood(app, kinds):
    for name, kind in kinds.items():
        listed = {one["name"]: ONE_OF[one["type"]] for one in kind.get("searchParam", ())}
        if not listed:
            continue
        of_a_patient = {one: listed[one] for one in ("patient", "subject") if one in listed}
        for pair in of_a_patient.items():
            assert app.search(name, pair, Prefer="handling=strict").status_code == 403, (name, pair)
        others = [pair for pair in listed.items() if pair[0] not in of_a_patient]
        missing = [(f"{one}:missing", "true") for one in listed]
        for pairs in (others, missing):
            answer = app.search(name, *pairs, Prefer="handling=strict")
            assert answer.status_code == 200, (name, answer.text)
            assert all(one in answer.json["link"][0]["url"] for one, _ in pairs), name
        assert all(one["definition"].startswith(("http://", "https://")) for one in kind["searchParam"]), name


def test_everything_it_says_can_come_along_can(app, kinds):
    for name, kind in kinds.items():
        asked = [("_include", one) for one in kind.get("searchInclude", ())]
        asked += [("_revinclude", one) for one in kind.get("searchRevInclude", ())]
        if asked:
            answer = app.search(name, *asked, ("_count", "5"), Prefer="handling=strict")
            assert answer.status_code == 200, (name, answer.text)


def test_every_operation_it_lists_is_there(app, site, kinds):  # noqa: F811
    for name, kind in kinds.items():
        for operation in kind.get("operation", ()):
            path = f"/fhir/{name}/${operation['name']}"
            asked = [
                site.post(path, b"{}", "application/fhir+json"),
                app.get(path),
                app.get(f"/fhir/{name}/x/${operation['name']}"),
            ]
            words = [one.json["issue"][0]["details"]["text"] for one in asked if one.status_code >= 400]
            assert any(one.status_code < 400 or "not offered" not in one.text for one in asked), (path, words)
            assert all(one.status_code < 500 for one in asked), path


UNSERVED = ("Observation", "Encounter", "Media", "Task", "Subscription", "Group", "Bundle", "Parameters", "nonsense")


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
def test_what_it_does_not_list_is_refused_and_nothing_falls_over(app, site, kinds, method):  # noqa: F811
    paths = ["", "/_history", "/$export", "/$process-message", "/_search"]
    paths += [f"/{one}" for one in UNSERVED if one not in kinds]
    for name, kind in kinds.items():
        listed = codes(kind)
        paths += [
            f"/{name}/x/y",
            f"/{name}/$nonsense",
            f"/{name}/x/$nonsense",
            f"/{name}/_history",
            f"/{name}/x/_history/1/2",
        ]
        if method != "GET":
            paths += [f"/{name}/x", f"/{name}/x/_history/1"]
        if (method == "GET" and "search-type" not in listed) or (method == "POST" and "create" not in listed):
            paths.append(f"/{name}")
        if method in ("PUT", "PATCH", "DELETE"):
            paths.append(f"/{name}?identifier=x")
    for caller in (app, site):
        for path in paths:
            answer = caller.asks(method, f"/fhir{path}")
            assert answer.status_code in REFUSED, (method, path, answer.status_code)
            assert answer.json["resourceType"] == "OperationOutcome", (method, path)
            if answer.status_code == 405:
                assert answer.headers["Allow"], (method, path)


def test_parameters_it_does_not_list_are_refused_when_strict(app, kinds):
    for name, kind in kinds.items():
        if "search-type" not in codes(kind):
            continue
        listed = {one["name"] for one in kind["searchParam"]}
        for param in {"_text", "_content", "_list", "_filter", "_query", "near", "combo-code", "nonsense"} - listed:
            answer = app.search(name, (param, "x"), Prefer="handling=strict")
            assert (answer.status_code, answer.json["issue"][0]["code"]) == (400, "not-supported"), (name, param)
        for pair in (
            ("_include", "Nonsense:x"),
            ("_include", f"{name}:nonsense"),
            ("_revinclude", "x"),
            ("_sort", "nonsense"),
        ):
            assert app.search(name, pair, Prefer="handling=strict").status_code == 400, (name, pair)
            assert app.search(name, pair).status_code == 200, (name, pair)
