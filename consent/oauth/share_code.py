"""A patient's code turned into a token by software: an extension grant (RFC 6749 4.5)."""

from flask import Response, request

from consent.deployment import services, source, work
from consent.errors import BadScope
from consent.oauth.callers import Party
from consent.oauth.discovery import SHARE_CODE
from consent.oauth.flow import answer, refuse
from consent.oauth.issuing import for_share_code
from consent.redeeming import Redeemer, hand_over, prove
from consent.scopes import PATIENT_READS, Scopes
from consent.sessions import reads_of
from consent.tokens import Line
from vault.database import Work
from vault.errors import Expired, WrongSecret
from vault.sealing.codes import ShareCode
from vault.sealing.errors import NotACode
from vault.sharing import check_live


def redeem_by_software(party: Party | None, refused: str) -> Response:
    """A token for the code in the form, which is spent by this.

    What is asked is checked before the code is touched, so that a mistake in the request costs nobody a code.
    """
    if party is None:
        return refuse(401, "invalid_client", refused)
    if not party.check_grant_type(SHARE_CODE):
        return refuse(400, "unauthorized_client", "This client does not redeem codes.")
    try:
        asked = party.allowed(request.form.get("scope") or str(PATIENT_READS))
        code = ShareCode.parse(request.form.get("code", ""))
    except (BadScope, NotACode):
        return refuse(400, "invalid_grant", "The code is mistyped.")
    if not asked:
        return refuse(400, "invalid_scope", "None of these scopes can be given.")
    try:
        redeemer = Redeemer(name=party.client.name, clinic=party.client.maker, client=party.client.id)
        proved = prove(services(), code, redeemer, source=source())
        with work() as w:
            line = Line.begins(party.client.id, hand_over(w, proved, redeemer).keyring)
            return answer(for_share_code(w, party.client, line, _within(w, line, asked)))
    except (WrongSecret, Expired):
        return refuse(400, "invalid_grant", "The code opens nothing, or was used before.")


def _within(w: Work, line: Line, asked: Scopes) -> Scopes:
    """What was asked, as far as the patient gave it."""
    assert line.keyring is not None
    given = reads_of(check_live(w, line.keyring.grant_id))
    return Scopes(asked.narrowed(given).resources, asked.others)
