"""A small DICOMweb server over a few series, with the pages of the viewer before it.

It stands in for the gateway so that the viewer is tried alone, in a real browser, over a real
connection; the journeys try both together.
"""

import gzip
import io
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import numpy as np
from flask import Flask, Response, abort, request
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.encaps import generate_frames
from pydicom.pixels import apply_modality_lut, apply_voi_lut, pixel_array
from pydicom.uid import ExplicitVRLittleEndian

import phr
from phr.components import furnish
from phr.headers import install_headers
from phr.packed import install_packed_files
from phr.pages.shown import Link, ShownInstance, ShownSeries, ShownStudy, Surroundings
from phr.pages.viewer import blueprint_over
from phr.priors import Subject
from phr.scans import MARKING
from tests.loopback import Lasting, answering

BIG_ENDIAN = "1.2.840.10008.1.2.2"
RLE = "1.2.840.10008.1.2.5"
DEFLATED_FRAME = "1.2.840.10008.1.2.8.1"
DAY = date(2026, 3, 3)
PIXELS = {0x7FE00008, 0x7FE00009, 0x7FE00010}


@dataclass
class Gallery:
    """The series on show, and what a test may do to the line and the access."""

    toolbar: str = "patient"
    hints: str = "hide"
    may_save: str = "yes"
    ended: int = 0  # the status every DICOMweb and alive answer has from now on; 0 is "still open"
    down: bool = False  # every DICOMweb answer is 503
    missing: set[str] = field(default_factory=set)  # instances whose frames are not found
    altered: set[str] = field(default_factory=set)  # instances that are not as they were sent
    empty: set[str] = field(default_factory=set)  # series whose metadata are empty
    slow: float = 0.0  # seconds a frame takes
    held: Callable[[str], bool] = lambda _path: False  # what waits on the line until it is let go
    series: dict[str, list[Dataset]] = field(default_factory=dict)
    titles: dict[str, str] = field(default_factory=dict)
    days: dict[str, date] = field(default_factory=dict)
    report: str = "<p>No broken bone is seen.</p>"
    asked: list[str] = field(default_factory=list)
    most_at_once: int = 0
    address: str = ""
    _now: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def hang(self, *datasets: Dataset, study_title: str = "CT of the chest", taken: date = DAY) -> str:
        """Add a series; answers its UID."""
        first = datasets[0]
        self.series[str(first.SeriesInstanceUID)] = list(datasets)
        self.titles.setdefault(str(first.StudyInstanceUID), study_title)
        self.days.setdefault(str(first.StudyInstanceUID), taken)
        return str(first.SeriesInstanceUID)

    def lets_go(self) -> None:
        self.held = lambda _path: False

    def frames_asked(self) -> list[str]:
        return [path for path in self.asked if "/frames/" in path and not path.endswith("/rendered")]

    def studies(self) -> list[ShownStudy]:
        shown: dict[str, list[ShownSeries]] = {}
        marks: dict[str, list[str]] = {}
        for uid, datasets in self.series.items():
            first = datasets[0]
            if first.get("Modality") in MARKING:
                marks.setdefault(str(first.StudyInstanceUID), []).append(uid)
                continue
            number = first.get("SeriesNumber")
            shown.setdefault(str(first.StudyInstanceUID), []).append(
                ShownSeries(
                    uid=uid,
                    instances=tuple(
                        ShownInstance(str(one.SOPInstanceUID), frames_of(one), one.get("InstanceNumber"))
                        for one in datasets
                    ),
                    number=int(number) if number not in (None, "") else None,
                    description=str(first.get("SeriesDescription", "")),
                    modality=str(first.get("Modality", "")),
                )
            )
        return [
            ShownStudy(
                uid=uid,
                id="1",
                title=self.titles[uid],
                series=tuple(groups),
                taken=self.days[uid],
                subject=Subject(kinds=frozenset(one.modality for one in groups), parts=frozenset({self.titles[uid]})),
                place="Harbor Scan Center",
                report_url="/report",
                marks=tuple(marks.get(uid, ())),
            )
            for uid, groups in shown.items()
        ]

    def surroundings(self) -> Surroundings:
        is_doctor = self.toolbar == "clinician"
        return Surroundings(
            toolbar=self.toolbar,
            title="Shared pictures" if is_doctor else "Pictures",
            address="/scans/1/pictures",
            alive_url="/alive",
            ended_url="/see" if is_doctor else "/sign-in",
            back=Link("Back to the scan", "/scans/1"),
            bar="PEREZ, Ana. Born 27 March 1958. Shared by the patient until 14:42." if is_doctor else "",
            end_url="/see/end" if is_doctor else "",
            links=(Link("Save a copy", "/see/save"),) if is_doctor else (),
            may_save=self.may_save,
            hints=self.hints,
        )

    @contextmanager
    def answering(self) -> Iterator[None]:
        with self._lock:
            self._now += 1
            self.most_at_once = max(self.most_at_once, self._now)
        try:
            yield
        finally:
            with self._lock:
                self._now -= 1


def frames_of(one: Dataset) -> int:
    return int(one.get("NumberOfFrames") or 1) if "Rows" in one else 0


def app_for(gallery: Gallery) -> Flask:
    folder = Path(phr.__file__).parent
    app = Flask("phr", template_folder=str(folder.parent / "templates"), static_folder=str(folder / "static"))
    app.config.update(SECRET_KEY="only for tests", TESTING=True)
    furnish(app)
    app.jinja_env.globals.update(csrf_token=lambda: "token", idle_minutes=30)
    install_headers(app)
    install_packed_files(app)
    app.register_blueprint(blueprint_over(lambda _study: (gallery.studies(), gallery.surroundings())))

    @app.before_request
    def note() -> None:
        gallery.asked.append(request.path)
        while gallery.held(request.path):
            time.sleep(0.02)
        if request.path.startswith(("/dicomweb", "/alive")):
            if gallery.ended:
                abort(gallery.ended)
            if gallery.down and request.path.startswith("/dicomweb"):
                abort(503)

    @app.get("/alive")
    def alive() -> tuple[str, int]:
        return "", 204

    @app.post("/see/end")
    def end() -> str:
        return "<!doctype html><title>Ended</title><h1>You are out.</h1>"

    @app.get("/report")
    def report() -> str:
        return (
            "<!doctype html><title>Report</title><main id=main><h1>Your report</h1>"
            f"{gallery.report}<script>document.title = 'spoiled'</script></main>"
        )

    base = "/dicomweb/studies/<study>/series/<series>"

    @app.get(base + "/metadata")
    def metadata(study: str, series: str) -> Response:
        listed = [] if series in gallery.empty else gallery.series[series]
        written = gzip.compress(json.dumps([in_json(one) for one in listed]).encode(), 1)
        return Response(written, mimetype="application/dicom+json", headers={"Content-Encoding": "gzip"})

    @app.get(base + "/thumbnail")
    @app.get(base + "/rendered")
    def middle(study: str, series: str) -> Response:
        pictures = [(one, frame) for one in gallery.series[series] for frame in range(1, frames_of(one) + 1)]
        return jpeg(*pictures[len(pictures) // 2]) if pictures else abort(406)

    @app.get(base + "/instances/<instance>/frames/<int:frame>")
    def frames(study: str, series: str, instance: str, frame: int) -> Response:
        with gallery.answering():
            time.sleep(gallery.slow)
            return part_of(frame_octets(found(gallery, series, instance), frame))

    @app.get(base + "/instances/<instance>/frames/<int:frame>/rendered")
    def rendered(study: str, series: str, instance: str, frame: int) -> Response:
        with gallery.answering():
            return drawn(found(gallery, series, instance), frame, request.headers["Accept"])

    @app.get(base + "/instances/<instance>")
    def file(study: str, series: str, instance: str) -> Response:
        out = io.BytesIO()
        found(gallery, series, instance).save_as(out, enforce_file_format=True)
        return Response(out.getvalue(), mimetype="application/dicom")

    return app


def found(gallery: Gallery, series: str, instance: str) -> Dataset:
    if instance in gallery.missing:
        abort(404)
    if instance in gallery.altered:
        told = json.dumps({"status": 500, "title": "Altered", "reason": "not-as-sent"})
        abort(Response(told, 500, content_type="application/problem+json"))
    return next((one for one in gallery.series[series] if instance == one.SOPInstanceUID), None) or abort(404)


def in_json(one: Dataset) -> dict:
    slim = Dataset()
    slim.update({tag: one[tag] for tag in one.keys() if tag not in PIXELS})  # noqa: SIM118 - a Dataset iterates elements
    written = slim.to_json_dict()  # no invalid tag is left out: that would switch a setting that all threads share
    written["00083002"] = {"vr": "UI", "Value": [str(one.file_meta.TransferSyntaxUID)]}
    return written


def frame_octets(one: Dataset, frame: int) -> tuple[bytes, str]:
    """A frame as it lies in the file, and its transfer syntax."""
    syntax = one.file_meta.TransferSyntaxUID
    count = frames_of(one)
    if "PixelData" not in one:
        abort(406)
    if str(syntax).startswith("1.2.840.10008.1.2.4.") or str(syntax) in {RLE, DEFLATED_FRAME}:
        return list(generate_frames(one.PixelData, number_of_frames=count))[frame - 1], str(syntax)
    size = one.Rows * one.Columns * one.SamplesPerPixel * one.BitsAllocated // 8
    octets = one.PixelData[size * (frame - 1) : size * frame]
    return octets, BIG_ENDIAN if str(syntax) == BIG_ENDIAN else str(ExplicitVRLittleEndian)


def part_of(frame: tuple[bytes, str]) -> Response:
    octets, syntax = frame
    head = f"--frame\r\nContent-Type: application/octet-stream; transfer-syntax={syntax}\r\n\r\n".encode()
    kind = 'multipart/related; type="application/octet-stream"; boundary=frame'
    return Response(head + octets + b"\r\n--frame--\r\n", content_type=kind)


def jpeg(one: Dataset, frame: int) -> Response:
    return drawn(one, frame, "image/jpeg")


def drawn(one: Dataset, frame: int, accepted: str) -> Response:
    try:
        pixels = pixel_array(one, index=frame - 1)
    except Exception:  # noqa: BLE001 - whatever pydicom cannot decode, this server cannot render
        abort(406)
    if one.get("SamplesPerPixel", 1) == 1:
        pixels = grey(one, pixels)
    elif pixels.dtype != np.uint8:
        pixels = (pixels >> (8 * (pixels.dtype.itemsize - 1))).astype(np.uint8)
    out = io.BytesIO()
    kind = "PNG" if accepted == "image/png" else "JPEG"
    Image.fromarray(pixels).convert("RGB").save(out, kind, quality=90)
    return Response(out.getvalue(), mimetype=Image.MIME[kind])


def grey(one: Dataset, pixels: np.ndarray) -> np.ndarray:
    lit = apply_voi_lut(apply_modality_lut(pixels, one), one).astype(float)
    least, most = lit.min(), lit.max()
    shades = np.clip((lit - least) / ((most - least) or 1) * 255, 0, 255).astype(np.uint8)
    return 255 - shades if one.PhotometricInterpretation == "MONOCHROME1" else shades


@contextmanager
def open_to_visitors(gallery: Gallery) -> Iterator[Gallery]:
    """Serve on a free port of the loopback until the block ends."""

    with answering(app_for(gallery), handler=Lasting) as server:
        gallery.address = f"http://127.0.0.1:{server.server_port}"
        try:
            yield gallery
        finally:
            gallery.lets_go()
