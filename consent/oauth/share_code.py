"""A patient's code turned into a token by software: an extension grant (RFC 6749 4.5)."""

from flask import Response, request

from consent.deployment import services, source, work
from consent.errors import BadScope, CopyNotAllowed
from consent.oauth.callers import Party
from consent.oauth.discovery import SHARE_CODE
from consent.oauth.flow import answer, refuse
from consent.oauth.issuing import for_share_code
from consent.ready_made import PULL
from consent.redeeming import Redeemer, hand_over, prove
from consent.scopes import PATIENT_READS, SIGN_IN, TELL_WHO, Scopes
from consent.sees import FOR_ONE_SCAN
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
    return _redeemed(party, code, asked)


def _redeemed(party: Party, code: ShareCode, asked: Scopes) -> Response:
    try:
        redeemer = _redeemer(party)
        proved = prove(services(), code, redeemer, source=source())
        with work() as w:
            line = Line.begins(party.client.id, hand_over(w, proved, redeemer).keyring)
            _check_worth_it(w, party, line)
            return answer(for_share_code(w, party.client, line, _within(w, line, asked)))
    except CopyNotAllowed:
        return refuse(403, "access_denied", "The patient allowed looking, not saving a copy. The code is not used up.")
    except (WrongSecret, Expired):
        return refuse(400, "invalid_grant", "The code opens nothing, or was used before.")


def _redeemer(party: Party) -> Redeemer:
    """The registered software; of `phr pull`, which runs anywhere, whoever says that they run it."""
    client = party.client
    if client.client_id != PULL:
        return Redeemer(name=client.name, clinic=client.maker, client=client.id)
    name, clinic = (_line(request.form.get(word, "")) for word in ("name", "clinic"))
    return Redeemer(name=name or client.name, clinic=clinic, client=client.id)


def _line(typed: str) -> str:
    """One line, nothing in it that hides or turns letters around."""
    return "".join(letter for letter in " ".join(typed.split()) if letter.isprintable())


def _check_worth_it(w: Work, party: Party, line: Line) -> None:
    """Raise `CopyNotAllowed`, which takes the spending back, where software that only copies was let in to look."""
    assert line.keyring is not None
    if party.client_id == PULL and check_live(w, line.keyring.grant_id).view_only:
        raise CopyNotAllowed


def _within(w: Work, line: Line, asked: Scopes) -> Scopes:
    """What was asked, as far as the patient gave it. Whoever has a code is not the patient, and signs nobody in."""
    assert line.keyring is not None
    given = reads_of(check_live(w, line.keyring.grant_id))
    return Scopes(asked.narrowed(given).resources, asked.without(SIGN_IN, *TELL_WHO, FOR_ONE_SCAN).others)
