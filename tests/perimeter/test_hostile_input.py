"""Bad input gets a clear answer in its protocol's own form, and what was acknowledged before is still there, whole."""

from __future__ import annotations

import base64
import json
import zlib
from dataclasses import dataclass, replace

import pytest
import requests
from pydicom.uid import UID

from tests.factories import DEFLATED, a_body, a_dataset, a_nest, an_instance, as_file
from tests.houses import IndoorHouse
from tests.journeys.stories import Story, a_scan, a_story, someone
from tests.papers import a_patient, a_report, a_transaction
from tests.people import FHIR, App, Guest, Patient, Site
from vault.blobs import DiskFull

FAILED, KEPT, OTHER = "00081198", "00081199", "0008119A"


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    made = IndoorHouse(tmp_path_factory.mktemp("hostile"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def told(house: IndoorHouse) -> Story:
    return a_story(house, report="Acknowledged before.")


@pytest.fixture(autouse=True)
def what_was_acknowledged_is_still_there(told: Story):
    """After every case: the pictures octet for octet, the report, and a bystander's request in good time."""
    yield
    for number, octets in enumerate(told.scan.files, start=1):
        assert told.patient.ask("GET", told.scan.address(number), Accept="application/dicom").content == octets
    reports = told.patient.ask("GET", "/fhir/DiagnosticReport", Accept=FHIR).json()["entry"]
    assert "Acknowledged before." in {one["resource"].get("conclusion") for one in reports}


def reasons(answer: requests.Response) -> set[int]:
    """The failure reasons in a Store Instances Response."""
    said = answer.json()
    return {one["00081197"]["Value"][0] for tag in (FAILED, OTHER) for one in said.get(tag, {}).get("Value", [])}


def is_outcome(answer: requests.Response) -> bool:
    said = answer.json()
    return said["resourceType"] == "OperationOutcome" and bool(said["issue"][0]["details"]["text"])


def says_nothing_of_us(answer: requests.Response) -> bool:
    return not any(
        word in answer.text for word in ("Traceback", 'File "', "site-packages", "pydicom", "sqlalchemy", ".py")
    )


# --- DICOM -----------------------------------------------------------------------------------------------------------


@dataclass
class Bad:
    """An object that cannot be taken, and the reason of PS3.18 annex I."""

    octets: bytes
    reason: int = 0xC000


def bomb() -> bytes:
    """A deflated object that would fill 600 MB."""
    head = as_file(a_dataset(study="bomb"), DEFLATED)
    at = head.index(b"DICM") + 4
    length = 12 + int.from_bytes(head[at + 8 : at + 12], "little")
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    element = b"\xe0\x7f\x10\x00OW\0\0" + (600 << 20).to_bytes(4, "little")
    packed = packer.compress(element) + b"".join(packer.compress(bytes(1 << 20)) for _ in range(600)) + packer.flush()
    return head[: at + length] + packed


def hostile_objects() -> dict[str, Bad]:
    good = an_instance(study="hostile")
    unknown = a_dataset(study="unknown-syntax")
    return {
        "not DICOM": Bad(b"GIF89a, certainly not what you wait for" * 10),
        "empty": Bad(b""),
        "a program with DICM in it": Bad(b"MZ" + bytes(126) + b"DICM" + b"\xff" * 400),
        "truncated in the header": Bad(good[:400]),
        "truncated in the pixels": Bad(good[:-200]),
        "a deflate bomb": Bad(bomb()),
        "nested a thousand deep": Bad(a_nest(1000)),
        "without a study UID": Bad(as_file(a_dataset(study="no-uid", StudyInstanceUID=None))),
        "an unknown transfer syntax": Bad(as_file(unknown, "1.2.840.10008.1.2.1").replace(
            b"1.2.840.10008.1.2.1\0", b"1.2.840.10009.9.9.9\0", 1), 0xC122),
        "no patient number": Bad(as_file(a_dataset(study="nobody", PatientID=None))),
    }  # fmt: skip


@pytest.fixture(scope="module")
def objects() -> dict[str, Bad]:
    return hostile_objects()


@pytest.mark.parametrize("name", list(hostile_objects()))
def test_an_object_that_cannot_be_taken_is_refused_for_itself(told: Story, objects, name: str) -> None:
    bad = objects[name]
    good = an_instance(study=f"good beside {name}", person=told.patient.person)
    answer = told.site.stores(bad.octets, good)
    assert answer.status_code == 202, answer.text
    assert len(answer.json()[KEPT]["Value"]) == 1
    assert reasons(answer) == {bad.reason}
    alone = told.site.stores(bad.octets)
    assert alone.status_code in {400, 409}
    assert says_nothing_of_us(alone)


def test_an_object_without_pictures_is_kept_and_says_so_where_pictures_are_asked_for(told: Story) -> None:
    dataset = a_dataset(study="no-pictures", person=told.patient.person)
    told.site.pushes(as_file(dataset))
    path = f"/dicomweb/studies/{dataset.StudyInstanceUID}"
    ana = told.patient
    assert ana.ask("GET", f"{path}/metadata").status_code == 200
    instance = f"{path}/series/{dataset.SeriesInstanceUID}/instances/{dataset.SOPInstanceUID}"
    assert ana.ask("GET", f"{instance}/frames/1").status_code == 404
    assert ana.ask("GET", f"{instance}/rendered").status_code in {404, 406}


def test_a_second_patient_under_one_study_is_refused(told: Story) -> None:
    other = an_instance(study=told.scan.name, number=7, person=someone("Okafor^Bo"))
    answer = told.site.stores(other)
    assert answer.status_code == 409
    assert reasons(answer) == {0xA900}
    mixed = a_scan(someone())
    answer = told.site.stores(mixed.files[0], an_instance(study=mixed.name, number=9, person=someone()))
    assert answer.status_code == 202
    assert reasons(answer) == {0xA900}


def test_a_different_object_under_a_known_uid_is_refused(told: Story) -> None:
    changed = a_scan(told.patient.person, name=told.scan.name, WindowWidth=999).files[0]
    answer = told.site.stores(changed)
    assert answer.status_code == 409
    assert reasons(answer) == {0x0111}
    assert told.site.stores(told.scan.files[0]).status_code == 200  # the very same is no news


def test_a_study_named_in_the_address_takes_no_other(told: Story) -> None:
    answer = told.site.stores(an_instance(study="elsewhere"), study="1.2.3")
    assert reasons(answer) == {0xA900}
    assert told.site.stores(an_instance(), study="not-a-uid").status_code == 400


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("application/dicom+json", {400, 415}),
        ("application/json", {400, 415}),
        ("multipart/form-data; boundary=b", {400, 415}),
        ('multipart/related; type="application/dicom"', {400}),
        ('multipart/related; type="application/dicom"; boundary=another', {400}),
        ('multipart/related; type="text/html"; boundary=between-the-pictures', {400, 415}),
        (f'multipart/related; type="application/dicom"; boundary={"x" * 200}', {400}),
        ("", {400, 415}),
    ],
)
def test_a_body_that_is_not_what_it_says_is_refused(told: Story, content_type: str, status: set[int]) -> None:
    body, _ = a_body([an_instance(study="boundary")], boundary="between-the-pictures")
    answer = told.site.ask("POST", "/dicomweb/studies", data=body, headers={"Content-Type": content_type})
    assert answer.status_code in status, answer.text
    assert answer.headers["Content-Type"].startswith("application/problem+json")


def test_a_body_that_breaks_off_keeps_nothing(told: Story) -> None:
    scan = a_scan(told.patient.person, pictures=3)
    body, content_type = a_body(scan.files)
    for share in (0.2, 0.6, 0.999):
        answer = told.site.ask(
            "POST", "/dicomweb/studies", data=body[: int(len(body) * share)], headers={"Content-Type": content_type}
        )
        assert answer.status_code in {400, 409}, share
        assert told.patient.ask("GET", f"{scan.address()}/metadata").status_code == 404
    told.site.pushes(*scan.files)
    assert len(told.patient.ask("GET", f"{scan.address()}/metadata").json()) == 3


def test_a_packed_body_is_not_unpacked(told: Story) -> None:
    body, content_type = a_body([an_instance()])
    headers = {"Content-Type": content_type, "Content-Encoding": "gzip"}
    assert told.site.ask("POST", "/dicomweb/studies", data=zlib.compress(body), headers=headers).status_code == 415
    headers = {"Content-Type": FHIR, "Content-Encoding": "deflate"}
    assert told.site.ask("POST", "/fhir/Patient", data=zlib.compress(b"{}"), headers=headers).status_code == 415


def test_frames_that_cannot_be_unpacked_leave_the_house_standing(told: Story) -> None:
    bad = an_instance(study="unpackable", person=told.patient.person, syntax="1.2.840.10008.1.2.4.80")
    start = bad.index(b"\xfe\xff\x00\xe0", bad.index(b"\xe0\x7f\x10\x00")) + 60
    broken = bad[:start] + bytes(len(bad) - start - 20) + bad[-20:]
    answer = told.site.stores(broken)
    assert answer.status_code in {200, 409}
    if answer.status_code == 200:
        dataset = a_dataset(study="unpackable")
        path = (
            f"/dicomweb/studies/{dataset.StudyInstanceUID}/series/{dataset.SeriesInstanceUID}"
            f"/instances/{dataset.SOPInstanceUID}/rendered"
        )
        refused = told.patient.ask("GET", path)
        assert refused.status_code in {404, 406}
        assert says_nothing_of_us(refused)


@pytest.mark.parametrize(
    "path",
    [
        "/dicomweb/studies/../../etc/passwd", "/dicomweb/studies/1.2.3/series/..%2f..", "/dicomweb/studies/1..2",
        "/dicomweb/studies?limit=-1", "/dicomweb/studies?StudyDate=yesterday", "/dicomweb/studies?PatientName='%20OR%201=1--",
        "/dicomweb/studies?includefield=%00", "/dicomweb/studies/1.2.3/series/1.2.3/instances/1.2.3/frames/0",
        "/dicomweb/studies/1.2.3/series/1.2.3/instances/1.2.3/frames/" + "1," * 5000 + "1",
        "/scans/%2e%2e", "/scans/" + "f" * 33, "/scans/null", "/shares/..%2f", "/fhir/Patient/..", "/fhir/Binary/%2e",
        "/fhir/ImagingStudy?_count=1000000000", "/fhir/ImagingStudy?_include=*", "/fhir/ImagingStudy?started=never",
        "/fhir/Patient?name=" + "a," * 10_000, "/fhir/Patient/$everything", "/fhir/$export", "/fhir/Subscription",
        "/fhir/Patient?_format=xml", "/add?pin=7KQ4-M9TX", "/see?code=7KQ4", "/static/../../phr/config.py",
    ],
)  # fmt: skip
def test_strange_addresses_are_answered_and_nothing_falls_over(told: Story, path: str) -> None:
    for who in (told.patient, Patient(told.patient.house)):
        answer = who.ask("GET", path)
        assert answer.status_code < 500, answer.text
        assert says_nothing_of_us(answer)
        assert "root:" not in answer.text


# --- FHIR ------------------------------------------------------------------------------------------------------------


def posted(site: Site, body: str | bytes, path: str = "", kind: str = FHIR) -> requests.Response:
    return site.ask("POST", f"/fhir{path}", data=body, headers={"Content-Type": kind, "Accept": FHIR})


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/Patient", "{", {400}),
        ("/Patient", "[]", {400, 422}),
        ("/Patient", '{"resourceType":"Patient","resourceType":"Patient"}', {400}),
        ("/Patient", '{"resourceType":"Patient","multipleBirthInteger":NaN}', {400}),
        ("/Patient", '{"resourceType":"Patient","x":' + "[" * 2000 + "]" * 2000 + "}", {400}),
        ("/Patient", '\ufeff{"resourceType":"Patient"}', {400, 422}),
        ("/Patient", '{"resourceType":"Observation"}', {400, 422}),
        ("/Patient", '{"resourceType":"Patient","vault":"00","_owner":{}}', {400, 422}),
        ("/Patient", '{"resourceType":"Patient","gender":"F","identifier":[{"value":"1"}]}', {422}),
        ("/Observation", '{"resourceType":"Observation"}', {403, 404, 405, 422}),
        ("", '{"resourceType":"Bundle","type":"searchset"}', {400, 422}),
        ("", '{"resourceType":"Bundle","type":"transaction","entry":[{"request":{"method":"GET","url":"Patient"}}]}', {400, 403, 422}),
        ("/DiagnosticReport", '{"resourceType":"DiagnosticReport","status":"final"}', {422}),
    ],
)  # fmt: skip
def test_fhir_of_the_wrong_shape_is_refused_with_the_place(told: Story, path: str, body: str, status: set[int]) -> None:
    answer = posted(told.site, body.encode(), path)
    assert answer.status_code in status, answer.text
    assert is_outcome(answer)
    assert says_nothing_of_us(answer)


def test_a_kind_of_body_that_is_not_read_is_refused(told: Story) -> None:
    answer = posted(told.site, "<Patient/>", "/Patient", "application/fhir+xml")
    assert answer.status_code == 415
    assert is_outcome(answer)
    answer = told.site.ask(
        "POST", "/fhir/Patient", data="{}", headers={"Content-Type": FHIR, "Accept": "application/fhir+xml"}
    )
    assert answer.status_code == 406


def test_of_a_transaction_with_one_bad_entry_nothing_is_kept(told: Story) -> None:
    person, scan = told.patient.person, a_scan(told.patient.person)
    bundle = a_transaction(person, scan.name, a_report("Must not be kept."))
    bundle["entry"].append({**bundle["entry"][2], "resource": {**bundle["entry"][2]["resource"], "status": "no such status"},
                            "fullUrl": "urn:uuid:7d1ee1b4-0000-4000-8000-000000000009"})  # fmt: skip
    answer = told.site.sends(bundle)
    assert answer.status_code == 422
    assert "Bundle.entry[3]" in answer.text
    assert "Must not be kept." not in told.patient.ask("GET", "/fhir/DiagnosticReport", Accept=FHIR).text


def test_a_report_that_is_too_large_is_refused_before_it_is_read(told: Story) -> None:
    report = a_report("Large.", number="R-large")
    report["presentedForm"] = [{"contentType": "application/pdf", "data": base64.b64encode(bytes(21 << 20)).decode()}]
    answer = told.site.sends(a_transaction(told.patient.person, told.scan.name, report))
    assert answer.status_code == 413
    assert is_outcome(answer)
    huge = posted(told.site, b'{"resourceType":"Patient","x":"' + b"x" * (40 << 20) + b'"}', "/Patient")
    assert huge.status_code == 413


@pytest.mark.parametrize("data", ["!!!!", "a", "=%=%", "YWJj\u00e4"])
def test_base64_that_is_none_is_refused_and_never_kept_as_empty(told: Story, data: str) -> None:
    report = a_report("Bad file.", number=f"R-{data!r}")
    report["presentedForm"] = [{"contentType": "application/pdf", "data": data}]
    answer = told.site.sends(a_transaction(told.patient.person, told.scan.name, report))
    assert answer.status_code in {400, 422}
    assert is_outcome(answer)


def test_scripts_in_a_report_do_not_run(told: Story) -> None:
    evil = "<script>alert(1)</script><img src=x onerror=alert(2)>"
    report = a_report(f"Evil {evil}", html=f"<div>{evil}</div>", text=evil, number="R-evil")
    scan = a_scan(told.patient.person, StudyDescription=evil, SeriesDescription=evil)
    told.site.pushes(*scan.files)
    told.site.reports(told.patient.person, scan.name, report)
    new = next(
        one for one in told.patient.scans() if one != told.id and told.patient.open(f"/scans/{one}").says("<script>")
    )
    for path in ("/home", f"/scans/{new}", f"/scans/{new}/report", f"/scans/{new}/pictures"):
        html = told.patient.ask("GET", path).text
        assert "<script>alert" not in html, path
        assert "<img src=x" not in html, path
    read = told.patient.open(f"/scans/{new}/report").send("Read it now")
    assert "<script>alert" not in read.answer.text
    own = [href for text, href in read.links if "/files/" in href]
    assert own
    for href in own:
        kind = told.patient.ask("GET", href).headers["Content-Type"]
        assert not kind.startswith("text/html"), href


def test_a_report_for_another_patient_of_another_site_lands_nowhere_near(told: Story) -> None:
    other = Site(told.patient.house, "Hill Imaging")
    answer = other.sends(a_transaction(told.patient.person, told.scan.name, a_report("From elsewhere.")))
    assert answer.status_code == 200
    assert not told.patient.open(f"{told.page}/report").says("From elsewhere.")


# --- claims and codes ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changed",
    [
        {"sealSeed": None}, {"sealSeed": "AAAA"}, {"sealSeed": base64.urlsafe_b64encode(bytes(32)).decode()},
        {"days": 0}, {"days": 366}, {"birthDate": "1958-02-30"}, {"birthDate": "yesterday"}, {"identifier": {"value": ""}},
    ],
)  # fmt: skip
def test_a_slip_asked_for_wrongly_is_not_made(told: Story, changed: dict) -> None:
    answer = told.site.asks("issue-claim", someone(), **changed)
    assert answer.status_code in {400, 422}, answer.text
    assert is_outcome(answer)
    assert '"pin"' not in answer.text


def test_typed_codes_of_every_kind_are_read_or_named(house: IndoorHouse, told: Story) -> None:
    pin = told.site.hands_out_a_slip(someone()).pin
    kind = (
        pin.lower(),
        pin.replace("-", " "),
        f" {pin}\n",
        f"https://phr.example.org/add#{pin}",
        pin.replace("0", "O").replace("1", "l"),
    )
    for typed in kind:
        assert Patient(house).open("/add").send("Continue", pin=typed).path == "/add/birth", typed
    for typed in ("\u0000" * 16, "💉" * 16, "<script>", "ÄÖÜ", "7" * 5000):
        page = Patient(house).open("/add").send("Continue", pin=typed)
        assert (page.status, page.path) == (422, "/add"), typed


@pytest.mark.parametrize(
    "born",
    [("30", "2", "1958"), ("0", "0", "0"), ("27", "3", "2999"), ("", "", ""), ("x", "y", "z"), ("27", "3", "58")],
)
def test_birth_dates_that_are_none_are_named(house: IndoorHouse, told: Story, born: tuple[str, str, str]) -> None:
    slip = told.site.hands_out_a_slip(someone())
    page = Patient(house).open("/add").send("Continue", pin=slip.pin)
    page = page.send("Continue", born_day=born[0], born_month=born[1], born_year=born[2])
    assert (page.status, page.path) == (422, "/add/birth")


def test_a_code_at_the_token_endpoint_spent_stopped_or_mistyped(house: IndoorHouse, told: Story) -> None:
    app = App(house)
    stopped, spent = told.patient.gives_a_code(), told.patient.gives_a_code()
    told.patient.stops(stopped.id)
    assert Guest(house).opens(spent.code).path == "/see/view"
    for code in (stopped.code, spent.code, spent.code[:-1], "", "x" * 20):
        answer = app.redeems(code)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant"), code
    told.patient.stops(spent.id)


# --- tokens ----------------------------------------------------------------------------------------------------------


def test_an_assertion_that_is_not_in_order_gets_no_token(told: Story) -> None:
    site, now = told.site, int(told.patient.house.now().timestamp())
    wrong = [
        {"aud": "https://other.example.org/oauth/token"}, {"aud": f"{site.house.base_url}/fhir"}, {"exp": now - 60},
        {"exp": now + 3600}, {"iat": now + 600}, {"jti": None}, {"iss": "someone-else"}, {"sub": "someone-else"},
        {"header_kid": "unknown"}, {"header_typ": "at+jwt"}, {"header_crit": ["kid"]},
    ]  # fmt: skip
    for changed in wrong:
        answer = site.asks_for_a_token(site.assertion(**changed))
        assert (answer.status_code, answer.json()["error"]) in {(400, "invalid_client"), (401, "invalid_client")}, (
            changed
        )
    used = site.assertion()
    assert site.asks_for_a_token(used).status_code == 200
    assert site.asks_for_a_token(used).status_code == 401
    none = ".".join((_b64(json.dumps({"alg": "none", "typ": "JWT", "kid": site.key["kid"]})), used.split(".")[1], ""))
    assert site.asks_for_a_token(none).status_code == 401


def _b64(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def test_a_sites_token_runs_out_and_says_so(indoors: IndoorHouse) -> None:
    site = Site(indoors)
    indoors.clock.advance(seconds=301)
    answer = site.stores(an_instance())
    assert answer.status_code == 401
    assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]


# --- the disk --------------------------------------------------------------------------------------------------------


class FullDisk:
    """A blob store that takes `octets` more and then no more."""

    def __init__(self, blobs, octets: int) -> None:
        self._blobs, self.left = blobs, octets

    def __getattr__(self, name: str):
        return getattr(self._blobs, name)

    def create(self, blob_id: str):
        return _FullWriter(self._blobs.create(blob_id), self)


class _FullWriter:
    def __init__(self, writer, disk: FullDisk) -> None:
        self._writer, self._disk = writer, disk

    def __getattr__(self, name: str):
        return getattr(self._writer, name)

    def write(self, octets) -> object:
        self._disk.left -= len(octets)
        if self._disk.left < 0:
            raise DiskFull("no room")
        return self._writer.write(octets)

    def __enter__(self):
        self._writer.__enter__()
        return self

    def __exit__(self, *problem: object) -> None:
        self._writer.__exit__(*problem)


@pytest.fixture
def full_disk(house: IndoorHouse):
    whole = house.app.extensions["services"]

    def fill(octets: int) -> None:
        house.app.extensions["services"] = replace(whole, blobs=FullDisk(whole.blobs, octets))

    yield fill
    house.app.extensions["services"] = whole


@pytest.mark.parametrize("room", [0, 100, 3_000, 20_000])
def test_a_full_disk_acknowledges_nothing_it_did_not_keep(
    told: Story, house: IndoorHouse, full_disk, room: int
) -> None:
    scan = a_scan(told.patient.person, pictures=5)
    whole = house.app.extensions["services"]
    full_disk(room)
    answer = told.site.stores(*scan.files)
    house.app.extensions["services"] = whole
    assert answer.status_code in {202, 409}
    assert reasons(answer) == {0xA700}
    kept = {one["00081155"]["Value"][0] for one in answer.json().get(KEPT, {}).get("Value", [])}
    shown = told.patient.ask("GET", f"{scan.address()}/metadata")
    there = {one["00080018"]["Value"][0] for one in shown.json()} if shown.status_code == 200 else set()
    assert there == kept
    told.site.pushes(*scan.files)  # there is room again
    for number, octets in enumerate(scan.files, start=1):
        assert told.patient.ask("GET", scan.address(number), Accept="application/dicom").content == octets


def test_a_report_on_a_full_disk_is_refused_with_no_room(told: Story, full_disk) -> None:
    full_disk(0)
    answer = told.site.sends(a_transaction(told.patient.person, told.scan.name, a_report("No room.", number="R-full")))
    assert answer.status_code == 507
    assert is_outcome(answer)
    assert int(answer.headers["Retry-After"]) > 0
    assert told.patient.open("/home").status == 200  # reading goes on


def test_every_transfer_syntax_name_is_looked_at_before_it_is_believed() -> None:
    assert not UID("1.2.840.10009.9.9.9").is_transfer_syntax  # or the case above proves nothing


def test_patients_without_a_number_are_refused(told: Story) -> None:
    patient = a_patient(replace(someone(), mrn="x"))
    patient["identifier"] = []
    answer = told.site.sends(patient, "/Patient")
    assert answer.status_code == 422
    assert is_outcome(answer)
