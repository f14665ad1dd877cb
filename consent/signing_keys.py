"""The keys we sign id tokens with (OpenID Connect Core 10): made here, kept under the audit key, published by halves.

They open nothing. Whoever has the audit key and the database can tell an app that somebody signed in; no scan is opened
by that (docs/keys.md).
"""

import json
import os
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from joserfc.jwk import RSAKey

from consent.tables import SigningKeyRow
from vault.database import Services, Work
from vault.keyring import check_row_mac, row_mac
from vault.rows import changed_rows
from vault.sealing import derive
from vault.sealing.suite import unwrap, wrap

ALGORITHM = "RS256"  # the one that every app must know (SMART App Launch 2.2)
BITS = 2048
PUBLISHED_AFTER = timedelta(days=7)  # by far longer than an id token counts


def current(work: Work) -> RSAKey:
    """The key that signs now; the first is made where there is none."""
    signing = sa.select(SigningKeyRow).where(SigningKeyRow.retires.is_(None)).order_by(SigningKeyRow.created.desc())
    row = work.session.scalar(signing.limit(1))
    if row is None:
        row = _made(work, _fresh())
    _check(work, row)
    private = unwrap(derive.id_token_key(work.secrets.audit_key), row.private, "id token key", row.kid)
    return RSAKey.import_key(json.loads(private))


def published(work: Work) -> list[dict[str, Any]]:
    """The public halves of the keys whose signatures still count, the newest first."""
    young = sa.or_(SigningKeyRow.retires.is_(None), SigningKeyRow.retires > work.now)
    rows = list(work.session.scalars(sa.select(SigningKeyRow).where(young).order_by(SigningKeyRow.created.desc())))
    for row in rows:
        _check(work, row)
    return [json.loads(row.public) for row in rows]


def make_sure(services: Services) -> None:
    """There is a key to sign with afterwards. Making one takes part of a second, and is done outside transactions."""
    with services.reading() as work:
        if published(work):
            return
    fresh = _fresh()
    with services.work() as work:
        if not published(work):
            _made(work, fresh)


def rotate(services: Services) -> str:
    """A new key signs from now on; the old ones are published for seven days more. Answers the new one's name."""
    fresh = _fresh()
    with services.work() as work:
        for row in work.session.scalars(sa.select(SigningKeyRow)).all():
            _check(work, row)
            if row.retires is None:
                row.retires = work.now + PUBLISHED_AFTER
                row.row_mac = row_mac(work, "signingkey", row.kid.encode(), *_fields(row))
        return _made(work, fresh).kid


def sweep(work: Work) -> int:
    """Forget the keys whose signatures count no more, private halves and all; answers how many."""
    return changed_rows(work.session, sa.delete(SigningKeyRow).where(SigningKeyRow.retires <= work.now))


def _fresh() -> RSAKey:
    return RSAKey.generate_key(BITS, {"kid": os.urandom(8).hex(), "use": "sig", "alg": ALGORITHM})


def _made(work: Work, key: RSAKey) -> SigningKeyRow:
    private = json.dumps(key.as_dict(private=True)).encode()
    kid = str(key.kid)
    row = SigningKeyRow(
        kid=kid,
        public=json.dumps(key.as_dict(private=False)),
        private=wrap(derive.id_token_key(work.secrets.audit_key), private, "id token key", kid),
        created=work.now,
    )
    row.row_mac = row_mac(work, "signingkey", kid.encode(), *_fields(row))
    work.session.add(row)
    work.session.flush()
    return row


def _check(work: Work, row: SigningKeyRow) -> None:
    check_row_mac(work, row.row_mac, "signingkey", row.kid.encode(), *_fields(row))


def _fields(row: SigningKeyRow) -> tuple[str, ...]:
    return row.public, row.created.isoformat(), "" if row.retires is None else row.retires.isoformat()
