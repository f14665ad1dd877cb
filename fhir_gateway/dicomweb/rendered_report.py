"""A structured report as a page to be read: WADO-RS rendered, for what has words and no picture (PS3.18 8.7.4)."""

from flask import Response

from consent.request import access, services
from fhir_gateway.dicom.structured_report import read_structured_report
from fhir_gateway.dicomweb.accept import choose
from fhir_gateway.dicomweb.found import Shown
from fhir_gateway.looking import tell_viewed
from fhir_gateway.outcome import forbidden
from fhir_gateway.resources.drawn import page_of
from vault.errors import NoKey
from vault.reading import full_description

PAGE = "text/html"


def rendered_report(one: Shown, accept: str | None) -> Response:
    """The report in its order, all text escaped, in a page that can do nothing.

    Raises `NotAcceptable`, and `Refusal` 403 where reports were not shared.
    """
    choose(accept, (PAGE,))
    with services().reading() as work:
        try:
            said = full_description(work, access().opened_for_objects(), one.found)
        except NoKey:
            raise forbidden("This was not shared as a whole.") from None
    report = read_structured_report(said or {})
    tell_viewed(services(), access(), one.study_id)
    answer = Response(
        page_of(report.title.meaning or "Report", report.language, report.blocks), content_type=f"{PAGE}; charset=utf-8"
    )
    answer.headers["Content-Security-Policy"] = "sandbox; default-src 'none'"
    answer.headers["X-Content-Type-Options"] = "nosniff"
    return answer
