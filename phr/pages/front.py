"""The pages that need nobody signed in: the front, help, and what stands in the footer; and the answer to machines
that ask whether we serve.
"""

from __future__ import annotations

import sqlalchemy as sa
from flask import Blueprint, abort, current_app, jsonify, render_template
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import SQLAlchemyError

from consent.guards import public
from consent.request import services
from phr.config import Settings
from phr.mail import OutboxMailer
from vault.blobs import BlobError
from vault.errors import StoreAway
from vault.ids import new_id

blueprint = Blueprint("front", __name__)
ANYONE = public("says what this is, and nothing about anyone")


def settings() -> Settings:
    """What the operator chose."""
    return current_app.extensions["settings"]


@blueprint.get("/")
@ANYONE
def front() -> str:
    """The two doors."""
    return render_template("pages/front.html")


@blueprint.get("/help")
@ANYONE
def help_page() -> str:
    """Answers, and how to reach a person."""
    return render_template("pages/help.html", phone=settings().help_phone, mail=settings().help_mail)


@blueprint.get("/privacy")
@ANYONE
def privacy() -> str:
    """Who can see what."""
    return render_template("pages/privacy.html")


@blueprint.get("/terms")
@ANYONE
def terms() -> str:
    """What it is and is not."""
    return render_template("pages/terms.html")


@blueprint.get("/accessibility")
@ANYONE
def accessibility() -> str:
    """What works, and what nobody has tried yet."""
    return render_template("pages/accessibility.html")


@blueprint.get("/for-doctors")
@ANYONE
def for_doctors() -> str:
    """The door for those who were given a code."""
    return render_template("pages/for_doctors.html")


@blueprint.get("/for-scan-centers")
@ANYONE
def for_scan_centers() -> str:
    """What a site needs to know."""
    return render_template("pages/for_scan_centers.html", base_url=settings().base_url)


@blueprint.get("/outbox")
@public("only a demonstration has one to show")
def outbox() -> str:
    """The letters of a demonstration; elsewhere there is no such page."""
    mailer = current_app.extensions["mailer"]
    if not settings().demo or not isinstance(mailer, OutboxMailer):
        abort(404)
    return render_template("pages/outbox.html", letters=mailer.letters())


@blueprint.get("/healthz")
@public("machines ask whether we serve; the answer names nobody")
def healthz() -> ResponseReturnValue:
    """200 when the database, the blob store and the keys serve, else 503 with what does not."""
    serving = {"database": _database_serves(), "blobs": _blobs_serve(), "keys": _keys_serve()}
    whole = all(serving.values())
    answer = {
        "status": "ok" if whole else "failing",
        **{name: "ok" if fine else "failing" for name, fine in serving.items()},
    }
    return jsonify(answer), 200 if whole else 503


def _database_serves() -> bool:
    try:
        with services().reading() as work:
            return work.session.scalar(sa.text("select 1")) == 1
    except (SQLAlchemyError, StoreAway):
        return False


def _blobs_serve() -> bool:
    try:
        with services().blobs.create(new_id().hex()) as writer:
            writer.write(b"serving")  # abandoned on leaving
    except (BlobError, OSError):
        return False
    return True


def _keys_serve() -> bool:
    return bool(services().secrets.pepper)
