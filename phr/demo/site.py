"""The demo's imaging site: registered like any other, pushing over HTTP with `phr push` like any other."""

import base64
import json
import subprocess
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from consent.assertion import new_signing_key
from consent.clients import SECRET, SITE_SCOPES, NewClient, NewSiteClient, add_client, add_site_client
from fhir_gateway.dicom.facts import PatientFacts
from fhir_gateway.rest.slips import SlipForm
from phr.commands import CommandFailed
from phr.commands.site import addresses
from phr.config import Settings
from phr.demo.home import Notes, write_private
from phr.demo.server import PHR
from phr.pushing.config import SiteConfig
from phr.pushing.slips import ISSUE, REISSUE, Issued, Wanted, issue
from phr.pushing.web import Web
from phr.samples import reports, studies
from phr.samples.studies import Person, Sample
from vault import sites
from vault.database import Services
from vault.sites import SiteDetails

NAME = "Harbour Imaging (demo)"
REDIRECT = "http://127.0.0.1:8765/callback"
MEMORY = Path("/dev/shm")  # noqa: S108  a folder that never reaches a disk


def register(services: Services) -> Notes:
    """The site and two apps exist; the notes about them are for the next runs."""
    private, public = new_signing_key()
    with services.work() as work:
        new = sites.add_site(work, SiteDetails(name=NAME, phone="555 0100", zone="Europe/Madrid", address="Quay 1"))
        signed = NewSiteClient(name=NAME, site_id=new.site_id, jwks=json.dumps({"keys": [public]}))
        site_client = add_site_client(work, signed)
        public_app = NewClient(name="Demo viewer", redirect_uris=(REDIRECT,))
        secret_app = NewClient(name="Demo server", redirect_uris=(REDIRECT,), auth=SECRET)
        apps = [(one, add_client(work, one)) for one in (public_app, secret_app)]
    return {
        "site": {
            "name": NAME,
            "site_id": new.site_id.hex(),
            "client_id": site_client.client_id,
            "private_jwk": private,
            "seal_seed": base64.urlsafe_b64encode(new.seal_seed).decode().rstrip("="),
            "scopes": SITE_SCOPES,
        },
        "apps": [
            {
                "name": app.name,
                "client_id": added.client_id,
                "client_secret": added.secret,
                "redirect_uri": REDIRECT,
                "scopes": app.scopes,
            }
            for app, added in apps
        ],
    }


@dataclass(frozen=True, slots=True)
class Desk:
    """The site at work: `folder` is where its pictures and its configuration lie, in memory where there is room."""

    settings: Settings
    site: dict[str, Any]
    folder: Path

    def lay_out(self, sample: Sample, person: Person) -> Path:
        """The study and its report lie in a folder of their own."""
        place = self.folder / person.mrn / sample.name
        if not place.exists():
            studies.write(sample, person, place)
            reports.write(sample, person, place)
        return place

    def push(self, sample: Sample, person: Person) -> None:
        """The study and its report are with the server. Raises `CommandFailed`."""
        place = self.lay_out(sample, person)
        named = [word for path in sorted(place.glob("report.*")) for word in ("--report", str(path))]
        command = [
            *PHR,
            "push",
            str(place),
            "--site-config",
            str(self._config()),
            "--state",
            str(self.folder / "state"),
        ]
        done = subprocess.run(
            [*command, *named, "--written-by", reports.WRITTEN_BY], capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise CommandFailed(f"The samples could not be pushed: {done.stderr.strip()}")

    def issue_slip(self, person: Person) -> Issued:
        """A fresh PIN for the person; `linked` where they have claimed. An older PIN ends."""
        patient = PatientFacts(mrn=person.mrn, issuer="", name=person.name, born=person.born, sex=person.sex)
        wanted = Wanted(patient, person.born_iso, description="", taken="", days=None, language="en", form=SlipForm())
        config = SiteConfig.read(self._config())
        web = Web(config)
        first = issue(web, config, wanted, ISSUE)
        return first if first.pin or first.linked else issue(web, config, wanted, REISSUE)

    def _config(self) -> Path:
        file = self.folder / "site.json"
        if not file.exists():
            told = {**self.site, "key": self.site["private_jwk"], **addresses(self.settings)}
            write_private(file, json.dumps(told))
        return file


@contextmanager
def desk(settings: Settings, site: dict[str, Any]) -> Generator[Desk]:
    """The site at work; nothing of it is left after."""
    with tempfile.TemporaryDirectory(prefix="phr-demo-", dir=MEMORY if MEMORY.is_dir() else None) as folder:
        yield Desk(settings, site, Path(folder))
