"""Send a folder of DICOM files, as an imaging site.

  phr push FOLDER --site-config site.json
  phr push FOLDER --site-config site.json --report report.pdf --issue-claim --born 1970-01-31 --slip slip.pdf

site.json holds what `phr site add` printed, and `key_file`: the private key of `phr keys site`. Files are known by
their content, not by their name. Run again after a break: what was taken is not sent again.

Ends with 0 when everything was taken, 3 when some files were refused, 1 when it could not be done.
"""

import argparse
from datetime import date
from pathlib import Path

from fhir_gateway.rest.slips import LETTERS, SHEETS, SlipForm
from phr.commands import CommandFailed, complain, say
from phr.pushing import PushError, WrongFolder
from phr.pushing.config import SiteConfig
from phr.pushing.finding import Found, Unreadable, in_order, look_through
from phr.pushing.papers import Study, fhir_day, studies_of, transaction
from phr.pushing.pictures import RefusedFile, send_pictures
from phr.pushing.progress import MIB, Progress
from phr.pushing.remembering import Memory, mark_of, mark_of_words
from phr.pushing.slips import ISSUE, REISSUE, Wanted, issue, write_slip
from phr.pushing.web import Web, check_taken

SOME_REFUSED = 3
STATES = Path.home() / ".local" / "state" / "keepray" / "push"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The folder, who sends it, and what goes with it."""
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    parser.add_argument("--site-config", type=Path, default=Path("site.json"), metavar="FILE", help="(%(default)s)")
    parser.add_argument(
        "--key", type=Path, metavar="FILE", help="the site's private key, if the site's file names none"
    )
    parser.add_argument("--patient", metavar="NUMBER", help="send this patient's files only")
    parser.add_argument("--study", metavar="UID", help="send this study only")
    paper = parser.add_argument_group("report")
    paper.add_argument(
        "--report",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="PDF, text or HTML; or one FHIR DiagnosticReport or Bundle as JSON; may be repeated for one report",
    )
    paper.add_argument("--written-by", default="", metavar="NAME", help="who wrote the report")
    claim = parser.add_argument_group("slip")
    claim.add_argument("--issue-claim", action="store_true", help="issue a PIN for the patient")
    claim.add_argument("--reissue-claim", action="store_true", help="the same, where the old slip is lost: it ends")
    claim.add_argument("--born", type=_day, metavar="YYYY-MM-DD", help="if the files do not say")
    claim.add_argument("--days", type=int, metavar="N", help="for how long the PIN is good")
    claim.add_argument("--language", default="en", help="of the slip: en, es, de, fr")
    claim.add_argument("--second-language", default="", metavar="CODE", help="below the first: English, or none")
    claim.add_argument("--paper", choices=SHEETS, default="a5", help="of the slip (%(default)s)")
    claim.add_argument("--letters", type=int, choices=LETTERS, help="of the slip, in points")
    claim.add_argument("--slip", type=Path, metavar="OUT.pdf", help="where the slip is written")
    claim.add_argument("--show-pin", action="store_true", help="print the PIN")
    going_on = parser.add_argument_group("going on after a break")
    going_on.add_argument("--fresh", action="store_true", help="send everything again; the server keeps no duplicates")
    going_on.add_argument("--state", type=Path, default=STATES, metavar="FOLDER", help="what was taken (%(default)s)")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Everything is with the server, the report too, and the slip is written. 0, 3 or 1."""
    try:
        _check_wishes(options)
        return _push(options)
    except PushError as error:
        complain(str(error))
        return 1


def _check_wishes(options: argparse.Namespace) -> None:
    if not options.folder.is_dir():
        raise CommandFailed(f"{options.folder} is not a folder.")
    if missing := [path for path in options.report if not path.is_file()]:
        raise CommandFailed(f"{missing[0]} is not there.")
    claims = options.issue_claim or options.reissue_claim
    if claims and not (options.slip or options.show_pin):
        raise CommandFailed("A PIN is told once: say --slip OUT.pdf or --show-pin.")
    if options.slip and not options.slip.absolute().parent.is_dir():
        raise CommandFailed(f"There is no folder for {options.slip}.")


def _push(options: argparse.Namespace) -> int:
    config = SiteConfig.read(options.site_config, options.key)
    found, unreadable = _look(options)
    studies = studies_of(found)
    _check_fits(options, found, studies)
    memory = Memory.opened(options.state, config, options.folder)
    if options.fresh:
        memory.forget()
    left = [one for one in found if not memory.holds(mark_of(one))]
    progress = Progress(len(left), sum(one.size for one in left))
    progress.say(f"DICOM files: {len(found)}, studies: {len(studies)}, taken before: {len(found) - len(left)}.")
    web = Web(config, tell=progress.say)
    sent = send_pictures(web, config.dicomweb_base, found, memory, progress=progress.add)
    progress.end()
    for study in studies:
        _send_papers(web, config, study, options, memory)
    if options.issue_claim or options.reissue_claim:
        _issue(web, config, found[0], options)
    refused = [*unreadable, *sent.refused]
    for one in refused:
        complain(_named(one))
    say(f"{sent.taken} files taken ({sent.octets / MIB:.1f} MB), {sent.known} taken before, {len(refused)} refused.")
    return SOME_REFUSED if refused else 0


def _look(options: argparse.Namespace) -> tuple[list[Found], list[Unreadable]]:
    everything = list(look_through(options.folder))
    found = [
        one
        for one in everything
        if isinstance(one, Found)
        and options.patient in (None, one.patient.mrn)
        and options.study in (None, one.study_uid)
    ]
    if not found:
        raise WrongFolder(f"{options.folder} holds no DICOM files to send.")
    return in_order(found), [one for one in everything if isinstance(one, Unreadable)]


def _check_fits(options: argparse.Namespace, found: list[Found], studies: list[Study]) -> None:
    if options.report and len(studies) > 1:
        raise WrongFolder("A report belongs to one study, and the folder holds several: name one with --study.")
    patients = {one.patient.mrn for one in found}
    if (options.issue_claim or options.reissue_claim) and len(patients) > 1:
        raise WrongFolder("A slip is for one patient, and the folder holds several: name one with --patient.")
    if "" in patients:
        raise WrongFolder("Some files name no patient number; the server could not tell whose they are.")


def _send_papers(web: Web, config: SiteConfig, study: Study, options: argparse.Namespace, memory: Memory) -> None:
    """The patient, the study and the report are there; done once for the same words."""
    mark = mark_of_words("papers", study.uid, *(path.read_bytes() for path in options.report), options.written_by)
    if memory.holds(mark):
        return
    bundle = transaction(config, study, options.report, born=options.born or "", written_by=options.written_by)
    answer = web.post_json(config.fhir_base, bundle)
    check_taken(answer, "take the report" if options.report else "take the study's description")
    memory.keep(mark)


def _issue(web: Web, config: SiteConfig, found: Found, options: argparse.Namespace) -> None:
    born = options.born or fhir_day(found.patient.born)
    wanted = Wanted(
        patient=found.patient,
        born=born,
        description=found.description,
        taken=fhir_day(found.study_date),
        days=options.days,
        language=options.language,
        form=SlipForm(options.paper, options.letters, options.second_language),
    )
    issued = issue(web, config, wanted, REISSUE if options.reissue_claim else ISSUE)
    if issued.pin is None and not issued.linked:
        raise CommandFailed("A claim is open already and its slip was told once: say --reissue-claim for another one.")
    if issued.pin is None:
        say("The patient has linked already: the scans are in the record, no slip is needed.")
        return
    if options.show_pin:
        say(f"PIN {issued.pin}")
    say(f"The PIN is good until {issued.expires[:10]}.")
    if options.slip:
        if issued.slip is None:
            raise CommandFailed("The server makes no PDFs: print the PIN with --reissue-claim --show-pin.")
        write_slip(options.slip, issued.slip)
        say(f"The slip is in {options.slip}.")


def _named(one: Unreadable | RefusedFile) -> str:
    path = one.path if isinstance(one, Unreadable) else one.found.path
    return f"{path}: {one.reason}"


def _day(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise argparse.ArgumentTypeError("a birth date reads 1970-01-31") from None
