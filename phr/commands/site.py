"""Register imaging sites. Each word that makes something prints JSON.

The seal seed is printed once and kept nowhere: the site sends it with $issue-claim, so that a slip can be issued for
what it pushed before. A site that lost it gets a new one with `phr site rekey` and pushes again what was unclaimed.
"""

import argparse
import base64
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any
from zoneinfo import available_timezones

from consent.clients import CLAIMS, PUSH, SITE_SCOPES, NewSiteClient, add_site_client
from phr.commands import CommandFailed, say_json
from phr.commands.client import reach_of, switch_off_clients_of
from phr.config import Settings
from phr.storing import prepare
from vault import sites
from vault.ids import Id
from vault.sites import Logo, NewSite, Site, SiteDetails

LARGEST_LOGO = 100_000  # octets
_PICTURES = {"image/png": b"\x89PNG\r\n\x1a\n", "image/jpeg": b"\xff\xd8\xff"}  # and how their files begin
LONGEST_HOLD = 30  # days; what is meant to last longer is no delay


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Six words: add, list, hold, logo, off, rekey."""
    words = parser.add_subparsers(metavar="WORD", required=True)
    _add_arguments(words.add_parser("add", help="register a site and its signing key"))
    words.add_parser("list", help="every site").set_defaults(run=show)
    hold = words.add_parser("hold", help="show a site's patients new reports some days later, as its law asks")
    hold.add_argument("site_id", type=site_id)
    hold.add_argument("days", type=_days, help="0 where there is no such law any more")
    hold.set_defaults(run=hold_reports)
    logo = words.add_parser("logo", help="the picture that a site's slips carry")
    logo.add_argument("site_id", type=site_id)
    picture = logo.add_mutually_exclusive_group(required=True)
    picture.add_argument("--file", type=Path, help="PNG or JPEG, 100 KB at most")
    picture.add_argument("--none", action="store_true", help="slips carry none any more")
    logo.set_defaults(run=keep_logo)
    off = words.add_parser("off", help="switch a site off: it gets no token, and those it has open nothing")
    off.add_argument("site_id", type=site_id)
    off.set_defaults(run=switch_off)
    rekey = words.add_parser("rekey", help="a new seal seed for a site that lost its own")
    rekey.add_argument("site_id", type=site_id)
    rekey.set_defaults(run=give_new_seed)


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="as patients know it")
    parser.add_argument("--phone", default="", help="printed on slips")
    parser.add_argument("--zone", default="UTC", help="its time zone, like Europe/Madrid")
    parser.add_argument("--address", default="", help="where it is")
    parser.add_argument("--language", default="en", help="of its slips: en, es, de, fr")
    parser.add_argument("--issuer", default="", help="who issues the patient numbers that name no issuer")
    parser.add_argument(
        "--also-called",
        action="append",
        default=[],
        metavar="NAME=ISSUER",
        help="what its messages call an issuer (a FHIR system, a DICOM issuer) and which is meant; may be repeated",
    )
    parser.add_argument(
        "--hold-reports",
        type=_days,
        default=0,
        metavar="DAYS",
        help="days for which its law makes it keep a new report from the patient; 0 where there is no such law",
    )
    parser.add_argument("--no-claims", action="store_true", help="it pushes, but issues no slips")
    keys = parser.add_mutually_exclusive_group(required=True)
    keys.add_argument("--jwks", type=Path, metavar="FILE", help="its public key set")
    keys.add_argument("--jwks-url", metavar="URL", help="where its public key set is, https")
    parser.set_defaults(run=add)


def add(options: argparse.Namespace) -> int:
    """The site may push. Prints what it needs to know."""
    settings = Settings.from_env()
    jwks = None if options.jwks is None else options.jwks.read_text()
    rights = frozenset({PUSH} if options.no_claims else {PUSH, CLAIMS})
    services = prepare(settings)
    with services.work() as work:
        new = sites.add_site(work, _details(options))
        client = add_site_client(
            work,
            NewSiteClient(name=options.name, site_id=new.site_id, jwks=jwks, jwks_url=options.jwks_url, rights=rights),
            reach=reach_of(settings),
        )
    say_json(
        {
            "site_id": new.site_id.hex(),
            "name": options.name,
            "client_id": client.client_id,
            **seed_of(new),
            **addresses(settings),
            "scopes": SITE_SCOPES,
            "rights": sorted(rights),
        }
    )
    return 0


def addresses(settings: Settings) -> dict[str, str]:
    """Where a program finds this server."""
    base = settings.base_url
    return {
        "base_url": base,
        "token_url": f"{base}/oauth/token",
        "fhir_base": f"{base}/fhir",
        "dicomweb_base": f"{base}/dicomweb",
    }


def seed_of(new: NewSite) -> dict[str, str]:
    """The seal seed as $issue-claim takes it: base64url without padding."""
    return {"seal_seed": base64.urlsafe_b64encode(new.seal_seed).decode().rstrip("=")}


def show(_options: argparse.Namespace) -> int:
    """Every site, oldest first."""
    services = prepare(Settings.from_env())
    with services.reading() as work:
        say_json({"sites": [_shown(site) for site in sites.all_sites(work)]})
    return 0


def hold_reports(options: argparse.Namespace) -> int:
    """From now on reports of the site are shown to their patients so many days after they first came."""
    services = prepare(Settings.from_env())
    with services.work() as work:
        details = replace(sites.find_site(work, options.site_id).details, reports_held_days=options.days)
        sites.change_details(work, options.site_id, details)
    say_json({"site_id": options.site_id.hex(), "reports_held_days": options.days})
    return 0


def keep_logo(options: argparse.Namespace) -> int:
    """The site's slips carry the picture, or none."""
    logo = None if options.none else _logo(options.file)
    services = prepare(Settings.from_env())
    with services.work() as work:
        sites.keep_logo(work, options.site_id, logo)
    say_json({"site_id": options.site_id.hex(), "logo": None if logo is None else logo.media_type})
    return 0


def _logo(path: Path) -> Logo:
    octets = path.read_bytes()
    found = [media_type for media_type, begin in _PICTURES.items() if octets.startswith(begin)]
    if not found or len(octets) > LARGEST_LOGO:
        raise CommandFailed(f"{path.name} is no PNG or JPEG of at most {LARGEST_LOGO // 1000} KB.")
    return Logo(found[0], octets)


def switch_off(options: argparse.Namespace) -> int:
    """Nothing comes from the site any more; what it pushed stays."""
    services = prepare(Settings.from_env())
    with services.work() as work:
        sites.switch_off(work, options.site_id)
        switch_off_clients_of(work, options.site_id)
    say_json({"site_id": options.site_id.hex(), "active": False})
    return 0


def give_new_seed(options: argparse.Namespace) -> int:
    """The site has a new seal key; what only the old one opened is gone and can be pushed again."""
    services = prepare(Settings.from_env())
    with services.work() as work:
        new = sites.rekey_site(work, options.site_id)
    services.database.forget_freed_pages()
    say_json({"site_id": new.site_id.hex(), **seed_of(new)})
    return 0


def site_id(text: str) -> Id:
    """The identifier that `phr site add` printed."""
    if len(text) != 32:
        raise argparse.ArgumentTypeError("a site's identifier has 32 hexadecimal digits")
    return Id(bytes.fromhex(text))


def _details(options: argparse.Namespace) -> SiteDetails:
    pairs = [one.partition("=") for one in options.also_called]
    if not all(mark for _, mark, _ in pairs):
        raise CommandFailed("--also-called reads NAME=ISSUER.")
    return SiteDetails(
        name=options.name,
        phone=options.phone,
        zone=_checked_zone(options.zone),
        address=options.address,
        default_issuer=options.issuer,
        issuers=MappingProxyType({name: issuer for name, _, issuer in pairs}),
        language=options.language,
        reports_held_days=options.hold_reports,
    )


def _days(text: str) -> int:
    if not (text.isdecimal() and int(text) <= LONGEST_HOLD):
        raise argparse.ArgumentTypeError(f"a number of days up to {LONGEST_HOLD}")
    return int(text)


def _checked_zone(zone: str) -> str:
    if zone not in available_timezones():
        raise CommandFailed(f"{zone} is no time zone such as Europe/Madrid.")
    return zone


def _shown(site: Site) -> dict[str, Any]:
    details = site.details
    return {
        "site_id": site.id.hex(),
        "name": details.name,
        "active": site.active,
        "phone": details.phone,
        "zone": details.zone,
        "issuer": details.default_issuer,
        "reports_held_days": details.reports_held_days,
        "also_called": dict(details.issuers),
    }
