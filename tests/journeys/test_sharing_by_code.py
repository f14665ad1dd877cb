"""A doctor with a code sees what was shared, as long as it is shared (experience 1.3, V1 to V6)."""

from concurrent.futures import ThreadPoolExecutor

from tests.journeys.stories import a_story
from tests.people import Guest

ALL = "application/octet-stream; transfer-syntax=*"


def test_a_guest_sees_exactly_what_was_shared_until_it_is_stopped(keepray):
    told = a_story(keepray, report="A word for the doctor.")
    hidden, _ = told.another_scan(StudyDescription="MR of the knee", BodyPartExamined="KNEE")
    ana = told.patient
    share = ana.gives_a_code(told.id)
    assert ana.open(f"/share/state/{share.id}").says("Waiting for your doctor")

    doctor = Guest(keepray)
    page = doctor.opens(share.code)
    assert page.path == "/see/view"
    assert page.says("PEREZ, Ana. Born 27 March 1958.")
    assert page.says("CT of the chest")
    assert not page.says("knee")
    report = page.follow("Report")
    assert report.says("A word for the doctor.")
    rows = doctor.ask("GET", "/dicomweb/studies").json()
    assert [row["0020000D"]["Value"] for row in rows] == [[told.scan.uid]]
    assert doctor.ask("GET", f"{told.scan.address(1)}/frames/1", Accept=ALL).status_code == 200
    for path in (hidden.address(), f"{hidden.address()}/metadata", f"{hidden.address(1)}/rendered"):
        assert doctor.ask("GET", path).status_code == 404

    assert ana.open(f"/share/state/{share.id}").says("Dr. J. Lee, Hill Clinic can see your scans")
    assert ana.open("/shares").says("Opened 1 time, last today")
    assert ana.open("/history").says("Dr. J. Lee")

    assert ana.stops(share.id).says("Sharing has stopped. Dr. J. Lee, Hill Clinic cannot open your scans now.")
    assert doctor.ask("GET", f"{told.scan.address(1)}/frames/1", Accept=ALL).status_code == 401
    assert doctor.ask("GET", "/see/alive").status_code == 401
    gone = doctor.open("/see/view")
    assert (gone.status, gone.heading) == (410, "Sharing has ended")
    assert not gone.says("PEREZ")


def test_a_copy_is_saved_only_where_the_patient_said_so(keepray):
    told = a_story(keepray)
    looker, saver = Guest(keepray), Guest(keepray)
    looker.opens(told.patient.gives_a_code().code)
    for path in (told.scan.address(), told.scan.address(1), f"/see/save/{told.id}.zip", f"/see/report/{told.id}.pdf"):
        assert looker.ask("GET", path).status_code == 403, path
    for path in (
        f"{told.scan.address()}/metadata",
        f"{told.scan.address(1)}/rendered",
        f"{told.scan.address()}/thumbnail",
    ):
        assert looker.ask("GET", path).status_code == 200, path
    assert not told.patient.open("/shares").says("Saved a copy")

    saver.opens(told.patient.gives_a_code(may=("see", "save")).code, name="Dr. S. Ave")
    assert saver.ask("GET", told.scan.address(1), Accept="application/dicom").content == told.scan.files[0]
    assert saver.ask("GET", f"/see/save/{told.id}.zip").content[:2] == b"PK"
    assert saver.ask("GET", f"/see/report/{told.id}.pdf").content[:5] == b"%PDF-"
    assert told.patient.open("/history").says("saved a copy of")


def test_a_code_opens_once(keepray):
    told = a_story(keepray)
    share = told.patient.gives_a_code()
    assert Guest(keepray).opens(share.code).path == "/see/view"
    again = Guest(keepray).opens(share.code)
    assert again.says("This code does not work. Check it with your patient. A code opens once.")


def test_of_two_doctors_with_one_code_one_gets_in(keepray):
    told = a_story(keepray)
    share = told.patient.gives_a_code()
    doctors = [Guest(keepray) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        pages = list(pool.map(lambda one: one.opens(share.code), doctors))
    assert sorted(page.path == "/see/view" for page in pages) == [False, False, False, True], pages


def test_a_mistyped_code_is_named_before_anything_is_looked_up(keepray):
    told = a_story(keepray)
    code = told.patient.gives_a_code().code
    doctor = Guest(keepray)
    wrong = code[:-1] + ("0" if code[-1] != "0" else "1")
    for _ in range(12):  # more than a network may guess in an hour
        assert doctor.types(wrong).says("There is a typing mistake in the code. Look at it again.")
    assert doctor.types(code[:12]).says("You typed 12.")
    assert doctor.opens(" " + code.lower().replace("0", "o")).path == "/see/view"


def test_guessing_codes_is_stopped(keepray):
    from vault.sealing.codes import ShareCode

    doctor = Guest(keepray)
    pages = [doctor.opens(ShareCode.new(0).reveal()) for _ in range(11)]
    assert all(page.says("This code does not work.") for page in pages[:10]), pages
    assert pages[10].status == 429
    assert int(pages[10].answer.headers["Retry-After"]) > 0


def test_stopping_before_it_was_opened_kills_the_code(keepray):
    told = a_story(keepray)
    share = told.patient.gives_a_code()
    told.patient.stops(share.id)
    assert Guest(keepray).opens(share.code).says("This code does not work.")


def test_new_scans_come_along_where_the_patient_said_so(keepray):
    told = a_story(keepray)
    doctor = Guest(keepray)
    doctor.opens(told.patient.gives_a_code(may=("see", "new")).code)
    ct, _ = told.another_scan()
    mr, _ = told.another_scan(Modality="MR", StudyDescription="MR of the knee")
    assert doctor.ask("GET", f"{ct.address()}/metadata").status_code == 200
    assert doctor.ask("GET", f"{mr.address()}/metadata").status_code == 404


def test_a_doctor_may_go_by_themselves(keepray):
    told = a_story(keepray)
    doctor = Guest(keepray)
    page = doctor.opens(told.patient.gives_a_code().code)
    cookies = doctor.cookies()
    end = page.browser.open("/see/scans").send("End")
    assert end.heading == "Session ended"
    thief = Guest(keepray)
    for value in cookies:
        thief.http.cookies.set("phr-guest", value, domain="127.0.0.1")
        assert thief.ask("GET", "/dicomweb/studies").status_code == 401


def test_a_visit_ends_when_its_time_is_over(indoors):
    told = a_story(indoors)
    doctor = Guest(indoors)
    doctor.opens(told.patient.gives_a_code().code)
    for _ in range(16):
        indoors.clock.advance(minutes=14)
        last = doctor.ask("GET", f"{told.scan.address()}/metadata").status_code
    assert last == 200
    indoors.clock.advance(minutes=17)  # over four hours in all
    assert doctor.ask("GET", f"{told.scan.address()}/metadata").status_code == 401
    assert doctor.open("/see/view").status in {200, 410}
    assert not doctor.open("/see/view").says("PEREZ")
