"""The history in plain words: who did what, and to which scan (experience S15).

Events hold identifiers only; `Names` holds what the patient's own keys made of them, for as long as one page is drawn.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from flask_babel import gettext as _
from flask_babel import lazy_gettext as later
from flask_babel.speaklater import LazyString

from vault.audit import Did, Event

LOOKS = frozenset({Did.OPENED, Did.VIEWED, Did.READ, Did.SEARCHED, Did.SAVED_COPY, Did.PRINTED, Did.REVIEWED})
SHARING = frozenset({
    Did.GAVE, Did.ENDED_GRANT, Did.REDEEMED, Did.REDEEM_FAILED, Did.PASSCODE_FAILED, Did.TOKEN_ISSUED,
    Did.TOKEN_REVOKED, Did.TOKEN_REUSED,
})  # fmt: skip
SCANS = frozenset({Did.CLAIMED, Did.LINKED, Did.UNLINKED, Did.RECEIVED, Did.REPORT_RECEIVED, Did.FORGOT_STUDY})
ACCOUNT = frozenset({
    Did.SIGNED_UP, Did.SIGNED_IN, Did.SIGN_IN_FAILED, Did.SIGNED_OUT, Did.SIGNED_OUT_EVERYWHERE, Did.PASSWORD_CHANGED,
    Did.RECOVERY_MADE, Did.RECOVERY_CHECKED, Did.RECOVERY_USED, Did.CODE_APP_ADDED, Did.CLAIM_FAILED,
    Did.PASSKEY_ADDED, Did.PASSKEY_REMOVED, Did.MAIL_CHANGED,
})  # fmt: skip
KINDS = {"looks": LOOKS, "sharing": SHARING, "scans": SCANS, "account": ACCOUNT}

# What nobody needs to read: renewals an app makes by itself.
UNTOLD = frozenset({Did.TOKEN_REFRESHED})
TOLD = frozenset(Did) - UNTOLD


@dataclass(frozen=True, slots=True)
class Names:
    """What identifiers are called: scans by study, people and apps by grant, scan centers by site, readers of links.

    `called` names those by grant in the middle of a sentence.
    """

    scans: Mapping[bytes, str] = field(default_factory=dict)
    shares: Mapping[bytes, str] = field(default_factory=dict)
    sites: Mapping[bytes, str] = field(default_factory=dict)
    readers: Mapping[bytes, str] = field(default_factory=dict)
    called: Mapping[bytes, str] = field(default_factory=dict)


# {who} did it; {scan} and {share} are what it was done to.
BY_YOU = {
    Did.SIGNED_UP: later("You made your account."),
    Did.SIGNED_IN: later("You signed in."),
    Did.SIGN_IN_FAILED: later("Someone tried to sign in to your account, and could not."),
    Did.SIGNED_OUT: later("You signed out."),
    Did.SIGNED_OUT_EVERYWHERE: later("You signed out other devices."),
    Did.PASSWORD_CHANGED: later("You changed your password."),
    Did.MAIL_CHANGED: later("You changed your email address."),
    Did.PASSKEY_ADDED: later("You set up a device lock."),
    Did.PASSKEY_REMOVED: later("You removed a device lock."),
    Did.RECOVERY_MADE: later("You made a recovery kit."),
    Did.RECOVERY_CHECKED: later("You checked your recovery kit."),
    Did.RECOVERY_USED: later("You signed in with your recovery kit."),
    Did.CODE_APP_ADDED: later("You set up a code app."),
    Did.CLAIMED: later("You added a scan with a PIN slip."),
    Did.CLAIM_FAILED: later("A PIN did not work."),
    Did.RECEIVED: later("You added {scan} from a disc or files."),
    Did.REPORT_RECEIVED: later("You added a report of {scan} from a disc or files."),
    Did.LINKED: later("New scans from a scan center come here now."),
    Did.UNLINKED: later("New scans from a scan center need a slip again."),
    Did.GAVE: later("You shared scans with {share}."),
    Did.ENDED_GRANT: later("You stopped sharing with {share}."),
    Did.OPENED: later("You opened {scan}."),
    Did.VIEWED: later("You looked at {scan}."),
    Did.READ: later("You looked at your record."),
    Did.SEARCHED: later("You looked for scans."),
    Did.SAVED_COPY: later("You saved a copy of {scan}."),
    Did.PRINTED: later("You made a PDF."),
    Did.FORGOT_STUDY: later("You removed a scan."),
    Did.ERASED: later("You deleted your account."),
}
BY_OTHERS = {
    Did.OPENED: later("{who} opened what you shared."),
    Did.VIEWED: later("{who} looked at {scan}."),
    Did.READ: later("{who} read your record."),
    Did.SEARCHED: later("{who} looked for your scans."),
    Did.SAVED_COPY: later("{who} saved a copy of {scan}."),
    Did.PRINTED: later("{who} made a PDF."),
    Did.REVIEWED: later("{who} reviewed the report of {scan}."),
    Did.REDEEMED: later("{who} used the code you gave."),
    Did.REDEEM_FAILED: later("Someone tried a code of yours that does not work any more."),
    Did.PASSCODE_FAILED: later("Someone typed a wrong number for {share}."),
    Did.ENDED_GRANT: later("Sharing with {share} ended."),
    Did.TOKEN_ISSUED: later("{who} connected."),
    Did.TOKEN_REVOKED: later("{who} was cut off."),
    Did.TOKEN_REUSED: later("{who} used an old key, so we cut it off."),
    Did.RECEIVED: later("A scan arrived from {who}."),
    Did.REPORT_RECEIVED: later("A report arrived from {who}."),
    Did.CLAIM_EXPIRED: later("A slip ran out."),
    Did.SIGN_IN_FAILED: later("Someone tried to sign in to your account, and could not."),
}

# By whether it was the patient.
_READ_REPORT = {True: later("You read the report of {scan}."), False: later("{who} read the report of {scan}.")}
_READ_ABOUT = {True: later("You read about {scan}."), False: later("{who} read about {scan}.")}


def sentence(event: Event, names: Names) -> str:
    """What happened, in one sentence."""
    mine = event.by.kind == "patient"
    table = BY_YOU if mine else BY_OTHERS
    words = _of_reading(event, names) or table.get(event.did) or BY_YOU.get(event.did) or BY_OTHERS.get(event.did)
    if words is None:
        return str(event.did.value).replace("-", " ").capitalize() + "."
    grant = event.by.via or event.to or b""
    share = names.shares.get(grant, _("someone"))
    if event.did is not Did.PASSCODE_FAILED:  # which was typed for the link itself, not for who has it
        share = names.called.get(grant) or share
    return str(words).format(who=who(event, names), scan=_scan(event, names), share=share)


_REPORTS = frozenset({"DiagnosticReport", "DocumentReference", "Binary"})


_EVERYTHING = later("You saved a copy of everything.")


def _of_reading(event: Event, names: Names) -> LazyString | None:
    """What was read, where it is known of which scan; or that it was all there is."""
    if event.did is Did.SAVED_COPY and event.detail.get("what") == "everything":
        return _EVERYTHING
    if event.did is not Did.READ or not scan(event, names):
        return None
    if event.detail.get("type") in _REPORTS:
        return _READ_REPORT[event.by.kind == "patient"]
    return _READ_ABOUT[event.by.kind == "patient"]


def who(event: Event, names: Names) -> str:
    """Who did it."""
    by = event.by
    if by.kind == "patient":
        return _("You")
    reader = names.readers.get(bytes.fromhex(str(event.detail.get("reader", ""))))
    if reader:
        return _("%(name)s (%(share)s)", name=reader, share=names.shares.get(by.via or b"", _("Health link")))
    if by.via and by.via in names.shares:
        return names.shares[by.via]
    if by.kind == "site":
        return names.sites.get(by.id or b"", _("a scan center"))
    if event.to and event.to in names.shares:
        return names.shares[event.to]
    return {"app": _("An app"), "operator": _("We"), "system": _("We")}.get(by.kind, _("Someone you shared with"))


def scan(event: Event, names: Names) -> str:
    """Which scan it was about; empty where it was none, or one that is gone."""
    named = bytes.fromhex(str(event.detail.get("study", "")))
    return names.scans.get(event.to or b"", "") or names.scans.get(named, "")


def _scan(event: Event, names: Names) -> str:
    title = scan(event, names)
    return _("the %(scan)s", scan=title) if title else _("a scan")
