"""Letters that nobody asked for at this moment: sent by the jobs, at decent hours, and saying next to nothing.

They name no scan, no part of a body and no scan center (experience N1, N3, J10).
"""

from __future__ import annotations

import logging
from datetime import datetime
from zoneinfo import ZoneInfo

from flask import Flask
from flask_babel import force_locale

from consent import alerts
from consent.alerts import Owed
from phr import languages, mail
from phr.components import furnish, template_folder
from phr.config import Settings
from phr.mail import NotSent, mailer_of
from vault import accounts
from vault.database import Services

EVENING, MORNING = 21, 8
AT_ONCE = 200  # letters at a time, so that sweeping goes on

log = logging.getLogger(__name__)


def post_room(settings: Settings) -> Flask:
    """What letters are written with; it answers no request."""
    room = Flask("phr", template_folder=str(template_folder()), static_folder=None)
    furnish(room, brand=settings.brand)
    room.extensions["settings"] = settings
    room.extensions["mailer"] = mailer_of(settings)
    return room


def send_what_is_owed(room: Flask, services: Services, settings: Settings) -> None:
    """Everyone who is owed a letter, and for whom it is not night, has it; what cannot be sent waits."""
    with services.work() as work:
        alerts.look(work)
    with services.work() as work:
        waiting = alerts.owed(work)
        is_night = night_at(work.now, settings.zone)
    for one in [owed for owed in waiting if not (owed.choices.quiet and is_night)][:AT_ONCE]:
        _send(room, services, one)


def night_at(moment: datetime, zone: str) -> bool:
    """Whether it is between 9 in the evening and 8 in the morning in the settings' zone."""
    hour = moment.astimezone(ZoneInfo(zone)).hour
    return hour >= EVENING or hour < MORNING


def _send(room: Flask, services: Services, one: Owed) -> None:
    with services.reading() as work:
        address = accounts.mail_of(work, one.account_id)
    if address:
        try:
            with room.app_context(), force_locale(one.choices.language or languages.BASE):
                mail.send(address, one.letter.value)
        except NotSent:
            log.warning("a letter could not be sent: %s", one.letter.value)
            return
    with services.work() as work:
        alerts.done(work, one.account_id, one.letter)
