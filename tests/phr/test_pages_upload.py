"""Old discs come in: looked at first, sent a few pictures at a time, and marked as the patient's own."""

import json
from dataclasses import replace

from tests.factories import Person, a_dataset, an_instance
from tests.phr.conftest import ANA

OLD = {"study": "old head", "series": "axial", "modality": "CT", "BodyPartExamined": "HEAD", "StudyDate": "20190601"}
SMITH = Person(name="Smith^John", mrn="S-1", born="19710502", sex="M")


def old_pictures(count=3, person=ANA, **more):
    told = OLD | {"sop_class": "1.2.840.10008.5.1.4.1.1.2", "rows": 64, "columns": 64} | more
    return [an_instance(number=number, person=person, **told) for number in range(1, count + 1)]


def uid_of(**more):
    return a_dataset(**(OLD | more)).StudyInstanceUID


def told(uid, *, name="Perez^Ana", born="19580327", pictures=3):
    series = [{"uid": "1.2", "modality": "CT", "body_part": "HEAD", "laterality": "", "description": ""}]
    return {"uid": uid, "date": "20190601", "description": "", "name": name, "born": born, "pictures": pictures,
            "series": series}  # fmt: skip


def asks(ana, *studies):
    headers = {"X-CSRF-Token": ana.token("/upload")}
    return ana.client.post("/upload/found", json={"studies": list(studies)}, headers=headers)


def body_of(*files):
    return b"".join(b"--b\r\nContent-Type: application/dicom\r\n\r\n" + one + b"\r\n" for one in files) + b"--b--"


def sends(ana, *files, token=None):
    headers = {
        "X-CSRF-Token": token or ana.token("/upload"),
        "Content-Type": 'multipart/related; type="application/dicom"; boundary=b',
    }
    return ana.client.post("/upload/pictures", data=body_of(*files), headers=headers)


def finishes(ana, uid, **counts):
    return ana.post("/upload/done", page="/upload", scan=uid, **{name: str(count) for name, count in counts.items()})


def test_a_disc_is_added_and_says_who_added_it(ana):
    ana.joins()
    asked = asks(ana, told(uid_of()))
    assert "CT of the head, 1 June 2019" in asked.json["page"]
    assert "PEREZ, Ana" in asked.json["page"]
    assert sends(ana, *old_pictures()).json == {"kept": 3, "refused": 0}
    done = finishes(ana, uid_of(), kept=3, broken=0)
    assert ana.path == "/upload/added"
    assert "1 scan is in your account" in done.text
    home = ana.get("/home").text
    assert "CT of the head" in home
    assert "You added this" in home
    assert "CT of the head from a disc or files." in ana.get("/history").text
    assert ana.get(f"{ana.scan()}/thumbnail").mimetype == "image/jpeg"


def test_someone_elses_scan_is_not_ticked(ana):
    ana.joins()
    page = asks(ana, told(uid_of(), name="Smith^John", born="19710502")).json["page"]
    assert "SMITH, John" in page
    assert "is not yours. Add it only if you are sure." in page
    assert "checked" not in page


def test_one_who_is_sure_is_not_warned_again(ana):
    ana.joins()
    sends(ana, *old_pictures(person=SMITH))
    finishes(ana, uid_of(person=SMITH), kept=3)
    assert "This may not be yours" not in ana.get("/home").text


def test_the_same_disc_again_adds_only_what_is_missing(ana):
    ana.joins()
    files = old_pictures(5)
    sends(ana, *files[:2])
    finishes(ana, uid_of(), kept=2)
    again = asks(ana, told(uid_of(), pictures=5)).json
    assert "We add only what is missing" in again["page"]
    assert len(again["have"][uid_of()]) == 2
    assert sends(ana, *files).json == {"kept": 5, "refused": 0}
    assert "5 pictures" in ana.get(ana.scan()).text or ">5<" in ana.get(ana.scan()).text


def test_a_scan_that_a_center_sent_is_not_added_twice(ana_with_a_scan, scan_center):
    uid = a_dataset(study="knee").StudyInstanceUID
    answer = asks(ana_with_a_scan, told(uid)).json
    assert "You already have this scan" in answer["page"]
    assert answer["have"] == {}
    assert "checkbox" not in answer["page"]


def test_broken_files_keep_nothing_else_out(ana):
    ana.joins()
    good = old_pictures(2)
    assert sends(ana, good[0], good[1][:400], b"no picture at all").json == {"kept": 1, "refused": 2}
    assert "2 pictures are broken on the disc." in finishes(ana, uid_of(), kept=1, broken=2).text


def test_a_picture_without_a_patient_number_is_welcome(ana):
    ana.joins()
    nameless = Person(name="", mrn="", born="", sex="")
    assert sends(ana, *old_pictures(1, person=nameless)).json["kept"] == 1


def test_nothing_is_added_for_others(ana, another_browser, doctor, ana_with_a_scan):
    doctor.opens(ana_with_a_scan.shares())
    for stranger in (another_browser, doctor):
        answer = stranger.client.post("/upload/pictures", data=b"x", headers={"X-CSRF-Token": "x"})
        assert answer.status_code in {302, 303, 401, 403}
    assert sends(ana_with_a_scan, *old_pictures(1), token="somebody else's").status_code in {400, 403}
    assert "CT of the head" not in ana_with_a_scan.get("/home").text


def test_a_full_space_says_so(ana, app, settings):
    ana.joins()
    token = ana.token("/upload")
    app.extensions["settings"] = replace(settings, upload_gib=0)
    answer = sends(ana, *old_pictures(1), token=token)
    assert (answer.status_code, answer.json) == (413, {"reason": "no-room"})


def test_what_is_no_list_of_scans_is_refused(ana):
    ana.joins()
    headers = {"X-CSRF-Token": ana.token("/upload")}
    for wrong in (
        {},
        {"studies": []},
        {"studies": ["x"]},
        {"studies": [{"uid": "1"}]},
        [],
        "x",
        {"studies": [{}] * 1001},
    ):
        assert ana.client.post("/upload/found", json=wrong, headers=headers).status_code == 422
    many = json.dumps({"studies": [told("1.2")], "more": "x" * (2 << 20)})
    assert ana.client.post(
        "/upload/found", data=many, content_type="application/json", headers=headers
    ).status_code in {413, 422}


def test_no_word_of_a_disc_lies_on_the_disk(ana, tmp_path):
    ana.joins()
    quaint = Person(name="Quetzalpapalotl^Xochitl", mrn="QX-1", born="19471103", sex="F")
    sends(ana, *old_pictures(2, person=quaint, StudyDescription="Zygomaticotemporal"))
    finishes(ana, uid_of(), kept=2)
    kept = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert kept
    for word in (b"Quetzalpapalotl", b"Zygomaticotemporal", b"QX-1"):
        assert word not in kept
