"""
The stranger test: every route, asked with the victim's real identifiers by everyone who has no business there.

Whoever asks gets 401, 403, 404, 410 or the way to a door; no word of the victim's; and nothing of theirs changes.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import requests
import sqlalchemy as sa

from consent.guards import OPEN_ENDPOINTS, guards_of
from tests.authenticator import Device
from tests.browser import Browser
from tests.houses import IndoorHouse
from tests.journeys.stories import Story, a_scan, a_story, someone
from tests.people import App, Guest, Patient, Provider, Site, Software
from tests.perimeter.canaries import Canaries, Search
from tests.receivers import Receiver
from vault.tables import Row

REFUSED = {400, 401, 403, 404, 405, 406, 409, 410, 411, 415, 422}
FIRM = {401, 403, 404, 410}
DOORS = re.compile(r"/(sign-in|see|pro/sign-in|pro/code-app|check)(\?|$)")
# Rows that count and remember when somebody knocked.
KNOCKS = {"counter", "once", "draft", "seenassertion", "meta", "checkpoint"}
RECEIPTS = {"opens", "first_opened", "last_opened"}  # an app with a narrow scope looks at what it was given


@dataclass
class World:
    """The victim, everyone else, and the victim's identifiers."""

    house: IndoorHouse
    victim: Story
    ids: dict[str, str]
    canaries: Canaries
    strangers: dict[str, Browser | Software]
    others: frozenset[bytes]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    house = IndoorHouse(tmp_path_factory.mktemp("stranger"))
    yield a_world(house)
    house.close()


def a_world(house: IndoorHouse) -> World:
    person = someone("Quetzalpapalotl^Xochitlquetzal", "19471103")
    site = Site(house)
    victim = a_story(house, site=site, person=person, report="Zygomaticotemporal quibbleworth.")
    other = a_story(house, person=someone("Okaforsson^Benedictus", "19710502"), report="Nothing here.")
    share = victim.patient.gives_a_code(may=("see", "save"), length="30d")
    link = victim.patient.gives_a_link(number="yes")
    ended = victim.patient.gives_a_code(may=("see", "save"))
    strangers: dict[str, Browser | Software] = {
        "no one": Browser(house),
        "another patient": other.patient,
        "a doctor with another grant": Guest(house),
        "a provider with another grant": Provider(house),
        "a doctor whose sharing ended": Guest(house),
        "an app of another patient": App(house, "Other").is_let_in_by(other.patient),
        "an app with a narrower scope": App(house, "Narrow").is_let_in_by(
            victim.patient, "launch/patient patient/ServiceRequest.rs"
        ),
        "an app whose sharing ended": App(house, "Ended").is_let_in_by(victim.patient),
        "the site that sent it": site,
        "another site": Site(house, "Hill Imaging"),
    }
    strangers["a doctor with another grant"].opens(other.patient.gives_a_code(may=("see", "save")).code)
    strangers["a provider with another grant"].makes_an_account()
    strangers["a provider with another grant"].enters(other.patient.gives_a_code(may=("see", "save")).code)
    strangers["a doctor whose sharing ended"].opens(ended.code)
    victim.patient.stops(ended.id)
    app = App(house, "Reader").is_let_in_by(victim.patient)
    report = app.reads("DiagnosticReport")["entry"][0]["resource"]
    document = report["presentedForm"][0]["url"].rpartition("/")[2]
    ids = {
        "study_id": victim.id,
        "grant_id": share.id,
        "session_id": the_session_of(house, app.said["patient"]),
        "lock_id": the_lock_of(house, victim.patient),
        "link_id": the_link_of(house, app.said["patient"]),
        "patient_id": app.said["patient"],
        "study_uid": victim.scan.uid,
        "series_uid": victim.scan.series_uid,
        "instance_uid": victim.scan.instance_uid(1),
        "numbers": "1",
        "path": "7FE00010",
        "_rest": f"Procedure/{victim.id}",
        "Patient": app.said["patient"],
        "ImagingStudy": victim.id,
        "DiagnosticReport": report["id"],
        "resource_id": document,
        "client_id": app.client_id,
        "export_id": the_export_of(app),
        "kind": "ImagingStudy",
        "version": "1",
        "address": Receiver(house.session(), link.link).url.rpartition("/")[2],
    }
    for share_of_app in victim.patient.shares():
        if victim.patient.open(f"/shares/{share_of_app}/stop").says("Ended"):
            victim.patient.stops(share_of_app)
    canaries = Canaries()
    canaries.add("name", "Quetzalpapalotl", "QUETZALPAPALOTL", "Xochitlquetzal")
    canaries.add("born", "19471103", "1947-11-03", "3 November 1947")
    canaries.add("number", person.mrn)
    canaries.add("report", "Zygomaticotemporal")
    vaults = frozenset(bytes.fromhex(one) for one in (app.said["patient"],))
    return World(house, victim, ids, canaries, strangers, vaults)


def the_export_of(app: App) -> str:
    asked = app.ask("GET", "/fhir/Patient/$export", headers={"Prefer": "respond-async"})
    assert asked.status_code == 202, asked.text
    return asked.headers["Content-Location"].rpartition("/")[2]


def the_session_of(house: IndoorHouse, patient: str) -> str:
    return one_id(house, "session", patient)


def the_lock_of(house: IndoorHouse, victim: Patient) -> str:
    victim.sets_up_a_lock(Device(house.base_url))
    with house.services.reading() as work:
        return work.session.scalars(sa.select(Row.metadata.tables["passkey"].c.id)).one().hex()


def the_link_of(house: IndoorHouse, patient: str) -> str:
    return one_id(house, "link", patient)


def one_id(house: IndoorHouse, table: str, patient: str) -> str:
    rows = Row.metadata.tables[table]
    with house.services.reading() as work:
        found = sa.select(rows.c.id).where(rows.c.vault == bytes.fromhex(patient))
        return work.session.scalars(found).first().hex()


def routes(house: IndoorHouse) -> Iterator[tuple[str, str, str, frozenset[str]]]:
    """Endpoint, method, rule and its variables, for every route but static files."""
    for rule in house.app.url_map.iter_rules():
        if rule.endpoint in OPEN_ENDPOINTS:
            continue
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            yield rule.endpoint, method, rule.rule, frozenset(rule.arguments)


def filled(rule: str, endpoint: str, ids: dict[str, str]) -> str:
    """The rule's address with the victim's identifiers."""

    def value(match: re.Match[str]) -> str:
        name = match[1].rpartition(":")[2]
        kind = re.match(r"/fhir/([A-Za-z]+)/", rule)
        if name == "resource_id" and kind and kind[1] in ids:
            return ids[kind[1]]
        return ids[name]

    return re.sub(r"<([^>]+)>", value, rule)


def asks(who: Browser | Software, method: str, path: str, form: dict[str, str]) -> requests.Response:
    return who.ask(method, path, data=form if method == "POST" else None)


def token_of(who: Browser | Software) -> str:
    """The value that makes a form of theirs count."""
    if isinstance(who, Software):
        return ""
    for page in ("/share/scans", "/pro/code", "/see/scans", "/add"):
        for form in who.open(page).forms:
            for one in form.fields:
                if one.name == "csrf_token":
                    return one.value
    raise AssertionError("no form anywhere")


def digest(house: IndoorHouse, keep: Callable[[str, Any], bool]) -> dict[str, str]:
    """A digest of the rows of every table that `keep` lets through."""
    found: dict[str, str] = {}
    with house.services.reading() as work:
        for table in Row.metadata.sorted_tables:
            if table.name in KNOCKS:
                continue
            columns = [one for one in table.columns if one.name not in RECEIPTS]
            rows = [tuple(row) for row in work.session.execute(sa.select(*columns)) if keep(table.name, row._mapping)]
            found[table.name] = hashlib.sha256(repr(sorted(map(repr, rows))).encode()).hexdigest()
    return found


def of_victim(world: World) -> Callable[[str, Any], bool]:
    """Everything that is the victim's, but when a cookie was seen and what their history says of strangers."""
    (vault,) = world.others
    tables = Row.metadata.tables
    with world.house.services.reading() as work:
        scopes = set(work.session.scalars(sa.select(tables["scope"].c.id).where(tables["scope"].c.owner == vault)))
        studies = set(work.session.scalars(sa.select(tables["study"].c.id).where(tables["study"].c.scope.in_(scopes))))
        batches = set(work.session.scalars(sa.select(tables["batch"].c.id).where(tables["batch"].c.study.in_(studies))))
        grants = set(work.session.scalars(sa.select(tables["grant"].c.id).where(tables["grant"].c.vault == vault)))
    mine = {vault, *scopes, *studies, *batches, *grants}

    def keep(table: str, row: Any) -> bool:
        if table in {"audit", "audit_head", "session"}:
            return False
        if table in {"card", "sheet"}:  # an app of the victim's that may read something is sealed what it may see of it
            return row["owner"] == vault
        return any(isinstance(value, bytes) and value in mine for value in row.values())

    return keep


def test_every_route_refuses_everyone_who_has_no_business_there(world: World) -> None:
    search = Search(world.canaries.spellings())
    guards = guards_of(world.house.app)
    keep = of_victim(world)
    before = digest(world.house, keep)
    wrong: list[str] = []
    asked = 0
    for name, who in world.strangers.items():
        csrf = token_of(who)
        for endpoint, method, rule, variables in routes(world.house):
            if endpoint in LEAVES_FOR_GOOD:
                continue
            path = filled(rule, endpoint, world.ids)
            form = {"csrf_token": csrf, "choice": "now", "answer": "no", "link": world.ids["link_id"], "when": "now"}
            answer = asks(who, method, path, form)
            asked += 1
            said = answer.content + repr(answer.headers).encode()
            wrong += [f"{name}: {method} {rule} betrays {found}" for found in search.in_octets(said)]
            if answer.status_code >= 500:
                wrong.append(f"{name}: {method} {rule} answers {answer.status_code}")
            names_victim = bool(variables - {"numbers", "path"})
            is_open = any(guard.kind in {"public", "for_clients"} for guard in guards[endpoint])
            if names_victim and not is_open and not refuses(answer, method):
                wrong.append(
                    f"{name}: {method} {rule} answers {answer.status_code} {answer.headers.get('Location', '')}"
                )
            if name == "no one" and not is_open and not refuses(answer, method, firm=True):
                wrong.append(f"{name}: {method} {rule} answers {answer.status_code}")
    assert wrong == []
    assert asked > 1000
    assert changed(before, digest(world.house, keep)) == []


# They end the asker's own stay; each has a journey of its own.
LEAVES_FOR_GOOD = {
    "signing.sign_out", "provider.sign_out", "doctor.end", "leaving.leave", "account.sign_out_others", "oauth.machines.revoke",
    "shares.stop_all", "account.take_password", "away.leave",
}  # fmt: skip


def refuses(answer: requests.Response, method: str, *, firm: bool = False) -> bool:
    status = answer.status_code
    if status in {302, 303}:
        return bool(DOORS.search(answer.headers["Location"]))
    return status in (FIRM | ({400, 405, 415} if method == "POST" else set())) if firm else status in REFUSED


def changed(before: dict[str, str], after: dict[str, str]) -> list[str]:
    return [name for name in before if before[name] != after[name]]


def test_the_victim_sees_everything_as_before(world: World) -> None:
    ana = world.victim.patient
    assert world.victim.id in ana.scans()
    assert ana.ask("GET", f"{world.victim.scan.address()}/metadata").status_code == 200
    report = ana.open(f"{world.victim.page}/report")
    assert report.says("Your report is here") or report.says("Zygomaticotemporal")
    assert world.ids["grant_id"] in ana.shares()


def test_real_and_invented_identifiers_are_refused_alike(world: World) -> None:
    other = world.strangers["another patient"]
    for rule in ("/scans/{}", "/scans/{}/report", "/scans/{}/thumbnail", "/shares/{}", "/share/state/{}"):
        real = world.ids["grant_id"] if "share" in rule else world.ids["study_id"]
        mine, invented = (other.ask("GET", rule.format(one)) for one in (real, "0" * 32))
        assert (mine.status_code, invented.status_code) == (404, 404), rule
        assert without_nonce(mine.text).replace(real, "") == without_nonce(invented.text).replace("0" * 32, ""), rule
    app = world.strangers["an app of another patient"]
    for rule in ("/fhir/ImagingStudy/{}", "/fhir/Patient/{}", "/fhir/Binary/{}"):
        assert app.get(rule.format(world.ids["study_id"])).text == app.get(rule.format("0" * 32)).text, rule
    studies = (world.ids["study_uid"], "1.2.3.4.5")
    told = [app.get(f"/dicomweb/studies/{one}/metadata") for one in studies]
    assert told[0].text == told[1].text


def without_nonce(html: str) -> str:
    return re.sub(r'(nonce|name="csrf_token" value)="[^"]*"', "", html)


def test_searching_for_the_victim_finds_nothing_or_is_refused(world: World) -> None:
    app = world.strangers["an app of another patient"]
    patient, uid = world.ids["patient_id"], world.ids["study_uid"]
    for query in (f"ImagingStudy?patient={patient}", f"DiagnosticReport?subject=Patient/{patient}"):
        assert app.get(f"/fhir/{query}").status_code == 403, query
    for query in (f"ImagingStudy?identifier=urn:oid:{uid}", f"ImagingStudy?_id={world.ids['study_id']}"):
        assert app.reads(query)["total"] == 0, query
    for query in (f"StudyInstanceUID={uid}", f"PatientID={world.victim.patient.person.mrn}"):
        answer = app.get(f"/dicomweb/studies?{query}")
        assert answer.status_code in {200, 204}
        assert answer.content in {b"", b"[]"}


def test_an_etag_of_the_victims_opens_no_304(world: World) -> None:
    reader = App(world.house, "Own").is_let_in_by(world.victim.patient)
    path = f"/fhir/ImagingStudy/{world.ids['study_id']}"
    etag = reader.get(path).headers["ETag"]
    assert reader.ask("GET", path, headers={"If-None-Match": etag}).status_code == 304
    stranger = world.strangers["an app of another patient"]
    assert stranger.ask("GET", path, headers={"If-None-Match": etag}).status_code == 404


def test_page_links_are_good_for_their_own_asker_alone(world: World) -> None:
    world.victim.another_scan()
    reader = App(world.house, "Paging").is_let_in_by(world.victim.patient)
    first = reader.reads("ImagingStudy?_count=1")
    following = next(one["url"] for one in first["link"] if one["relation"] == "next")
    assert reader.get(following).status_code == 200
    assert world.strangers["an app of another patient"].get(following).status_code == 404
    other = "B" if following[-8] == "A" else "A"
    assert reader.get(f"{following[:-8]}{other}{following[-7:]}").status_code == 404


def test_another_sites_claim_operations_touch_nothing(world: World) -> None:
    other, person = world.strangers["another site"], world.victim.patient.person
    assert other.state_of(person)["state"] == "none"
    before = world.strangers["the site that sent it"].state_of(person)
    other.asks("reissue-claim", person)
    assert world.strangers["the site that sent it"].state_of(person) == before
    scan = a_scan(person)
    other.pushes(*scan.files)
    assert world.victim.patient.ask("GET", f"{scan.address()}/metadata").status_code == 404


def test_a_provider_cannot_give_on_what_they_were_given(world: World) -> None:
    doctor = world.strangers["a provider with another grant"]
    for path in ("/share/scans", "/share/link", "/share/check", "/shares"):
        assert doctor.open(path).path == "/sign-in", path
    app = App(world.house, "Onward")
    assert doctor.open(app.request()).path == "/sign-in"


def test_tokens_count_in_the_header_alone(world: World) -> None:
    app = App(world.house, "Header").is_let_in_by(world.victim.patient)
    nobody = Software(world.house)
    assert nobody.get(f"/fhir/Patient?access_token={app.token}").status_code == 400
    assert nobody.ask("POST", "/fhir/Patient/_search", data={"access_token": app.token}).status_code == 401
    twice = f"Bearer {app.token}, Bearer {app.token}"
    assert nobody.ask("GET", "/fhir/Patient", headers={"Authorization": twice}).status_code == 400
    for token in (app.refresh_token, app.token[:-1], app.token + "x", "phat_" + "A" * 43):
        assert nobody.get("/fhir/Patient", token=token).status_code == 401
    lower = {"Authorization": f"bearer {app.token}"}
    assert nobody.ask("GET", "/fhir/Patient", headers=lower).status_code == 200  # RFC 9110 11.1: no case
    with_cookie = {"Authorization": "Bearer phat_" + "A" * 43}
    assert world.victim.patient.http.request(
        "GET", f"{world.house.base_url}/fhir/Patient", headers=with_cookie
    ).status_code == 401  # fmt: skip


def test_forms_from_elsewhere_change_nothing(world: World) -> None:
    ana = world.victim.patient
    token = token_of(ana)
    path = f"/scans/{world.victim.id}/remove"
    elsewhere = {"Origin": "https://evil.example.org", "Sec_Fetch_Site": "cross-site"}
    assert ana.ask("POST", path, data={"csrf_token": token}, **elsewhere).status_code in {400, 403}
    assert ana.ask("POST", path, data={"csrf_token": token}, Origin="https://evil.example.org").status_code in {
        400,
        403,
    }
    assert ana.ask("POST", path, data={}).status_code in {400, 403}
    theirs = token_of(world.strangers["another patient"])
    assert ana.ask("POST", path, data={"csrf_token": theirs}).status_code in {400, 403}
    assert ana.ask("GET", "/dicomweb/studies", Sec_Fetch_Site="cross-site").status_code == 401
    assert world.victim.id in ana.scans()
    preflight = ana.ask(
        "OPTIONS", "/fhir/Patient", Origin="https://evil.example.org", Access_Control_Request_Method="GET"
    )
    assert "Access-Control-Allow-Origin" not in preflight.headers


def test_nobody_is_sent_elsewhere_by_the_sign_in(world: World) -> None:
    victim = world.victim.patient.another_browser()
    for elsewhere in ("https://evil.example.org/", "//evil.example.org", "/\\evil.example.org", "javascript:alert(1)"):
        page = victim.open(f"/sign-in?next={requests.utils.quote(elsewhere, safe='')}")
        answer = page.send("Sign in", login=victim.login, password=victim.password)
        assert answer.path == "/home", elsewhere
        victim.signs_out()


def test_a_patient_sees_a_provider_and_nothing_of_theirs(world: World) -> None:
    assert isinstance(world.victim.patient, Patient)
    doctor = world.strangers["a provider with another grant"]
    assert world.victim.patient.open("/pro").path == "/pro/sign-in"
    assert doctor.open("/home").path == "/sign-in"
