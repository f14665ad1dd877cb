"""The printer of slips, handed to the gateway at start-up: what a site asks for becomes paper."""

from collections.abc import Callable

from fhir_gateway.rest.slips import SlipFacts
from phr import slip_forms
from phr.printing import PrintingError


def printer(address: str) -> Callable[[SlipFacts], bytes | None]:
    """Prints slips that lead to `address`; answers None where printing is not possible now."""

    def print_slip(slip: SlipFacts) -> bytes | None:
        try:
            _, pdf = slip_forms.claim_slip(_paper(slip, address))
        except PrintingError:
            return None  # the PIN is told all the same, and the site can ask again
        return pdf

    return print_slip


def _paper(slip: SlipFacts, address: str) -> slip_forms.ClaimSlip:
    initial = f" {slip.initial}." if slip.initial else ""
    return slip_forms.ClaimSlip(
        site_name=slip.site_name,
        site_phone=slip.site_phone,
        patient_first_and_initial=f"{slip.first_name}{initial}".strip(),
        birth_year=slip.birth_year,
        description=slip.description,
        scan_date=slip.taken_on,
        pin=slip.pin,
        address=address,
        expires=slip.expires.date(),
        language=slip.language or "en",
        form=slip.form,
        logo=None if slip.logo is None else (slip.logo.media_type, slip.logo.octets),
    )
