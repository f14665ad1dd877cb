"""Fetch what a patient shared by code: every DICOM file and report, checked against the server's signed list.

  phr pull --from https://phr.example.org --to FOLDER          (asks for the code, or reads it from standard input)
  phr pull ABCD-EFGH-JKLM-NPQR-STVW --from https://phr.example.org --to FOLDER

Leave CODE out where others can read your shell's history. The patient must have allowed saving a copy. Files are
FOLDER/<study>/<series>/<instance>.dcm and FOLDER/<study>/reports/, readable by you alone; each study's signed list is
FOLDER/<study>/manifest.jws.

A code is good once. After a break run the same again, with the same code or with none: what is here is not fetched
again. Until everything is here, what lets us in lies in FOLDER/.keepray-pull, readable by you alone; remove it to give
up.

Ends with 0 when all is here and as listed; 3 when something did not come, or came with other octets; 4 when the code or
the patient does not let us; 1 when it broke off: run it again; 2 for a wrong call.
"""

import argparse
import sys
from pathlib import Path

from phr.commands import CommandFailed, complain, say
from phr.pulling import Ended, NotLetIn, PullError
from phr.pulling.fetching import Fetched, Fetching
from phr.pulling.keeping import Kept, Tokens, mark_of
from phr.pulling.listing import Listed, Lists, NotWhole
from phr.pulling.passing import Way
from phr.pulling.reports import Reports
from phr.pulling.shelf import Shelf, write_whole
from phr.pulling.web import Web, base_of
from phr.pushing.progress import Progress
from vault.sealing.codes import ShareCode
from vault.sealing.errors import NotACode

LACKING, NOT_LET_IN = 3, 4
LISTED = 20  # of what is lacking, by name


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The code, where from, where to, and who says so to the patient."""
    parser.add_argument("code", nargs="?", metavar="CODE", help="the patient's code; asked for where it is not given")
    parser.add_argument("--to", type=Path, required=True, metavar="FOLDER", dest="folder")
    parser.add_argument("--from", metavar="ADDRESS", dest="base", help="of the server, such as https://phr.example.org")
    parser.add_argument("--name", default="", help="who fetches it, for the patient to read: Dr. J. Lee")
    parser.add_argument("--clinic", default="", help="and where: Hill Clinic, Radiology")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Everything shared is in the folder and is what the server lists. 0, 3, 4 or 1."""
    kept = Kept(options.folder)
    progress = Progress(0, 0)
    try:
        way = _way_in(options, kept, progress)
        return _pull(way, options.folder, progress)
    except NotLetIn as refused:
        progress.end()
        if isinstance(refused, Ended):
            kept.forget()  # it opens nothing any more
        complain(str(refused))
        return NOT_LET_IN
    except PullError as error:
        progress.end()
        complain(str(error))
        return 1


def _way_in(options: argparse.Namespace, kept: Kept, progress: Progress) -> Way:
    """By what an earlier run left where it was of this code, else by the code."""
    earlier = kept.read()
    code = _code(options.code, earlier)
    if earlier is not None and (code is None or mark_of(code) == earlier.code):
        if options.base and base_of(options.base) != earlier.base:
            raise CommandFailed(f"The pull that was begun in {options.folder} is from {earlier.base}.")
        progress.say("Going on with the pull that was begun.")
        return Way.kept(Web(earlier.base, tell=progress.say), kept, earlier)
    if not options.base:
        raise CommandFailed("Say where the scans are: --from https://…")
    assert code is not None  # asked for, where nothing was left
    web = Web(options.base, tell=progress.say)
    return Way.by_code(web, kept, code, name=options.name, clinic=options.clinic)


def _code(given: str | None, earlier: Tokens | None) -> str | None:
    """The code as it was given, asked for or piped in; None where an earlier run is to go on."""
    if given is None and earlier is not None:
        return None
    if given is None and sys.stdin.isatty():
        print("The patient's code: ", end="", file=sys.stderr, flush=True)
    try:
        return ShareCode.parse(sys.stdin.readline() if given is None else given).reveal()
    except NotACode:
        raise NotLetIn("The code is mistyped: a code has 20 letters and digits.") from None


def _pull(way: Way, folder: Path, progress: Progress) -> int:
    lists, listed, refused = Lists(way), list[Listed](), list[str]()
    for study in lists.studies():
        try:
            listed.append(lists.of(study))
        except NotWhole as part:
            refused.append(str(part))
    jobs = [Fetching(way, one, Shelf(folder, one), progress.add) for one in listed]
    left = [one for job in jobs for one in job.left]
    total = sum(len(one.wanted) for one in listed)
    progress.expect(len(left), sum(one.length for one in left))
    progress.say(f"Studies: {len(listed)}, DICOM files: {total}, here before: {total - len(left)}.")
    results = [job.run() for job in jobs]
    progress.end()
    for one in listed:
        if one.wanted:
            write_whole(folder / one.study / "manifest.jws", one.signed.encode())
    reports = Reports(way, folder).run()
    return _told(way, results, refused, reports)


def _told(way: Way, results: list[Fetched], refused: list[str], reports: int | None) -> int:
    """What came, in words and as an exit code; where all is here, nothing that lets us in is left."""
    lacking = [(one.study, wanted) for one in results for wanted in one.lacking]
    for study, wanted in lacking[:LISTED]:
        complain(f"Did not come, or came differently: study {study}, series {wanted.series}, {wanted.instance}.")
    for sentence in refused:
        complain(sentence)
    came = sum(one.taken + one.known for one in results)
    say(f"{came} of {came + len(lacking)} DICOM files are here and are what the server signed for.")
    if anew := sum(one.reencoded for one in results):
        say(f"{anew} files were written anew on their way: they are whole and named rightly, their digests are others.")
    say("Reports were not shared." if reports is None else f"Reports: {reports}.")
    if lacking:
        return LACKING
    way.give_back()
    return LACKING if refused else 0
