"""Reports that are stored as DICOM objects: a patient's software reads them as any other report."""

import base64

import pytest
from fhir.resources.R4B.diagnosticreport import DiagnosticReport

from tests import factories as make
from tests.fhir_gateway.dicom.reports import (
    DOSE,
    EVERY_CLASS,
    KEY_OBJECTS,
    a_cda,
    a_cda_document,
    a_document_of,
    a_nested_report,
    a_report,
    a_section,
    a_text,
)
from tests.fhir_gateway.house import a_patient, a_site
from vault.audit import Did, events
from vault.keyring import KeyClass

URIS = "urn:ietf:rfc:3986"
ODD_PDF = b"%PDF-1.4\nodd\n%%EOF\n1"
FINDINGS = a_section("121070", "Findings", a_text("The <b>lungs</b> are clear."))
IMPRESSIONS = a_section("121072", "Impressions", a_text("All is well.", ("121073", "Impression")))


def uid_of(number=1, series="reports", study="one"):
    return make.a_uid("instance", study, series, number)


def reports(patient):
    return [report for study in patient.studies() for report in study.reports]


@pytest.mark.parametrize("sop_class", EVERY_CLASS)
def test_a_structured_report_is_a_report_like_any_other(site, patient, sop_class):
    stored = site.stores(a_report(FINDINGS, IMPRESSIONS, sop_class=sop_class, InstitutionName="Harbor Radiology"))
    assert stored.status_code == 200, stored.text
    app = patient.lets_in()
    (report,) = app.matches("DiagnosticReport", ("patient", patient.id))
    DiagnosticReport.model_validate(report)
    assert (report["status"], report["conclusion"]) == ("final", "All is well.")
    assert report["identifier"] == [{"system": URIS, "value": f"urn:oid:{uid_of()}"}]
    assert report["code"]["text"] == "CT report"
    assert report["code"]["coding"][0]["code"] == "18748-4"
    assert (report["issued"], report["effectiveDateTime"]) == ("2026-01-05T12:00:00+01:00", "2026-01-05T09:30:00+01:00")
    assert report["performer"] == [{"type": "Organization", "display": "Harbor Radiology"}]
    assert report["basedOn"][0]["identifier"]["value"] == "A123"
    assert report["subject"] == {"reference": f"Patient/{patient.id}"}
    (study,) = app.matches("ImagingStudy")
    assert report["imagingStudy"][0]["reference"] == f"ImagingStudy/{study['id']}"
    words = report["text"]["div"]
    assert words.index("Findings") < words.index("Impressions")
    (form,) = report["presentedForm"]
    page = app.get(form["url"].removeprefix("https://phr.example.org"), "text/html")
    assert (page.status_code, form["contentType"], form["size"]) == (200, "text/html", len(page.data))
    assert b"&lt;b&gt;lungs&lt;/b&gt;" in page.data
    assert "sandbox" in page.headers["Content-Security-Policy"]


def test_the_object_itself_stays_as_it_came(site, patient):
    sent = a_report(FINDINGS)
    site.stores(sent)
    answer = patient.lets_in().whole(make.a_uid("study", "one"))
    assert sent in answer.data


def test_the_same_object_again_makes_no_second_report(site, patient):
    sent = (a_report(FINDINGS), make.a_pdf_document(ODD_PDF), a_cda_document(series="letters"))
    for sender in (site, site, site.with_next_token()):
        sender.services.clock.advance(seconds=1)
        assert sender.stores(*sent, *sent).status_code == 200
    found = reports(patient)
    assert [len(one.versions) for one in found] == [1, 1, 1]
    with patient.services.reading() as work:
        told = [one.did for one in events(work, patient.keyring.owner)]
    assert told.count(Did.REPORT_RECEIVED) == 3 * 2  # once for each token, which cannot know of another's


def test_another_object_under_the_same_uid_is_its_next_version(site, patient):
    site.stores(a_report(FINDINGS))
    site.services.clock.advance(seconds=1)
    site.with_next_token().stores(a_report(IMPRESSIONS))
    (report,) = reports(patient)
    assert [(one.version, one.facts.conclusion) for one in report.versions] == [(2, "All is well."), (1, "")]


def test_a_report_that_replaces_another_says_so(site, patient):
    site.stores(a_report(FINDINGS))
    newer = {"number": 2, "PredecessorDocumentsSequence": [a_document_of("one", uid_of(), "1.2.3.4")]}
    site.stores(a_report(IMPRESSIONS, **newer))
    old, new = sorted(reports(patient), key=lambda one: one.facts.conclusion)
    assert (old.replaced_by, new.replaces) == (new.id, (old.id,))
    read = patient.lets_in().reads("DiagnosticReport", new.id.hex()).json
    assert read["status"] == "amended"
    replaced = [one["valueReference"] for one in read["extension"]]
    assert [one["identifier"]["value"] for one in replaced] == [f"urn:oid:{uid_of()}", "urn:oid:1.2.3.4"]
    assert [one.get("reference") for one in replaced] == [f"DiagnosticReport/{old.id.hex()}", None]
    found = {one["id"]: one for one in patient.lets_in().matches("DocumentReference")}
    (before,), (after,) = ([one.resource_id for one in report.facts.documents] for report in (old, new))
    assert (found[before]["status"], found[after]["status"]) == ("superseded", "current")
    assert found[after]["relatesTo"][0]["target"] == {"reference": f"DocumentReference/{before}"}
    DiagnosticReport.model_validate(read)


def test_an_enclosed_pdf_is_served_octet_for_octet(site, patient):
    assert site.stores(make.a_pdf_document(ODD_PDF)).status_code == 200
    app = patient.lets_in()
    (report,) = app.matches("DiagnosticReport")
    (form,) = report["presentedForm"]
    assert (form["contentType"], form["size"], form["title"]) == ("application/pdf", len(ODD_PDF), "CT report")
    path = form["url"].removeprefix("https://phr.example.org")
    assert app.get(path, "application/pdf").data == ODD_PDF
    binary = app.get(path, "application/fhir+json").json
    assert base64.b64decode(binary["data"]) == ODD_PDF
    assert (report["status"], report["code"]["text"]) == ("final", "CT report")
    assert "text" not in report


def test_an_enclosed_clinical_document_is_read_and_kept(site, patient):
    site.stores(a_cda_document())
    app = patient.lets_in()
    (report,) = app.matches("DiagnosticReport")
    assert (report["code"]["text"], report["language"]) == ("Imaging report", "en-US")
    assert "All is wöll." in report["text"]["div"]
    (form,) = report["presentedForm"]
    assert form["contentType"] == "application/xml"
    file = app.get(form["url"].removeprefix("https://phr.example.org"), "application/xml")
    assert file.data == a_cda()
    assert (file.headers["Content-Type"], "attachment" in file.headers["Content-Disposition"]) == (
        "application/xml",
        True,
    )


def test_a_pdf_inside_a_clinical_document_comes_first(site, patient):
    inside = base64.b64encode(ODD_PDF).decode()
    body = f'<nonXMLBody><text mediaType="application/pdf" representation="B64">{inside}</text></nonXMLBody>'
    site.stores(a_cda_document(a_cda(body)))
    (report,) = reports(patient)
    assert [one.media_type for one in report.facts.documents] == ["application/pdf", "application/xml"]


@pytest.mark.parametrize("sop_class", [KEY_OBJECTS, DOSE])
def test_documents_that_nobody_wrote_for_people_are_no_reports(site, patient, sop_class):
    site.stores(a_report(FINDINGS, sop_class=sop_class))
    site.stores(make.an_instance(sop_class=make.SECONDARY_CAPTURE, series="scanned"))
    (study,) = patient.studies()
    assert (study.reports, study.instances, study.pictures) == ((), 2, 1)


def test_a_report_that_says_nothing_is_none(site, patient):
    assert site.stores(a_report()).status_code == 200
    assert reports(patient) == []


@pytest.mark.parametrize(
    "hostile",
    [
        a_nested_report(10_000),
        a_nested_report(40),
        make.a_pdf_document(b"MZ no PDF at all"),
        make.a_pdf_document(b"%PDF-" + bytes(1 << 20)),
        a_cda_document(b'<!DOCTYPE a [<!ENTITY x "x">]><ClinicalDocument>&x;</ClinicalDocument>'),
    ],
)
def test_what_cannot_be_read_is_refused_in_words_and_the_rest_is_kept(site, patient, hostile):
    answer = site.stores(hostile, make.an_instance())
    assert answer.status_code == 202
    failed = answer.json.get("00081198", answer.json.get("0008119A"))["Value"][0]
    assert failed["00081197"]["Value"] == [0xC000]
    assert 0 < len(failed["00000902"]["Value"][0]) <= 64
    (study,) = patient.studies()
    assert (study.instances, study.reports) == (1, ())


def test_a_report_is_of_the_site_that_stored_it(house, site, patient):
    hill = a_site(house, "Hill Scan Center")
    other = a_patient(house).is_linked_to(hill)
    site.stores(a_report(FINDINGS))
    hill.stores(a_report(IMPRESSIONS))
    assert [one.facts.conclusion for one in reports(patient)] == [""]
    assert [one.facts.conclusion for one in reports(other)] == ["All is well."]
    assert reports(other)[0].facts.place == "Hill Scan Center"


# --- rendered ---


def rendered(app, uid, accept="text/html"):
    series = make.a_uid("series", "one", "reports")
    return app.get(f"/dicomweb/studies/{make.a_uid('study', 'one')}/series/{series}/instances/{uid}/rendered", accept)


def test_a_structured_report_is_rendered_as_a_page_that_can_do_nothing(site, patient):
    site.stores(a_report(FINDINGS, IMPRESSIONS, title="<script>alert(1)</script>"))
    app = patient.lets_in()
    page = rendered(app, uid_of())
    assert (page.status_code, page.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert page.headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert page.text.index("<h2>Findings</h2>") < page.text.index("<h2>Impressions</h2>")
    assert "The &lt;b&gt;lungs&lt;/b&gt; are clear." in page.text
    assert "<script" not in page.text
    assert rendered(app, uid_of(), "*/*").status_code == 200
    assert rendered(app, uid_of(), "image/jpeg").status_code == 406


def test_a_report_is_not_rendered_for_whoever_was_given_pictures_alone(site, patient):
    site.stores(a_report(FINDINGS), make.an_instance())
    app = patient.lets_in(classes=frozenset({KeyClass.META, KeyClass.PICTURES}))
    assert rendered(app, uid_of()).status_code == 403
    assert app.matches("DiagnosticReport") == []
