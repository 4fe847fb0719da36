"""Epochs: every change of the rules in force has a number of its own, the same in all workers."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable

from sqlalchemy import Engine, func, insert, select
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from hub.store.tables import bundles
from schema.errors import HubError

_TRIES = 5


def epoch_of(
    engine: Engine, content: str, *, by: str = "hub", clock: Callable[[], float] = time.time
) -> int:
    """The epoch of these rules: the newest one if they are in force already, else the next.

    Raises: `HubError` CONFIG_INVALID when the hub's database cannot be used.
    """
    digest = hashlib.sha256(content.encode()).hexdigest()
    for _ in range(_TRIES):
        try:
            with engine.begin() as connection:
                last = connection.execute(
                    select(bundles.c.epoch, bundles.c.digest)
                    .order_by(bundles.c.epoch.desc())
                    .limit(1)
                ).first()
                if last is not None and last.digest == digest:
                    return int(last.epoch)
                number = connection.execute(select(func.max(bundles.c.epoch))).scalar() or 0
                connection.execute(
                    insert(bundles).values(
                        epoch=number + 1,
                        digest=digest,
                        content=content,
                        activated_at=clock(),
                        activated_by=by,
                    )
                )
                return int(number) + 1
        except IntegrityError:
            continue  # another worker took the number: look again
        except SQLAlchemyError as error:
            raise HubError(
                "CONFIG_INVALID", "the hub's database cannot be used", cause=error
            ) from error
    raise HubError("CONFIG_INVALID", "the epoch could not be numbered; try again")


def last_epoch(engine: Engine) -> tuple[int, str] | None:
    """The newest epoch and the digest of its rules; ``None`` before the first."""
    query = select(bundles.c.epoch, bundles.c.digest).order_by(bundles.c.epoch.desc()).limit(1)
    with engine.connect() as connection:
        last = connection.execute(query).first()
    return None if last is None else (int(last.epoch), str(last.digest))
