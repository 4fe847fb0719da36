"""Work that one of all workers does: whoever holds the lease, until it is not renewed."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable

from sqlalchemy import Engine, delete, insert, or_, update
from sqlalchemy.exc import IntegrityError

from hub.store.tables import leases


class Lease:
    """One worker's wish to be the one. Units: `lasts_s` seconds.

    Workers' clocks may differ by less than `lasts_s`, else two hold it for a while.
    """

    def __init__(
        self,
        engine: Engine,
        name: str,
        *,
        lasts_s: float,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._engine = engine
        self._name = name
        self._lasts_s = lasts_s
        self._clock = clock
        self._holder = secrets.token_hex(16)

    def take(self) -> bool:
        """Take or renew it; whether it is held now. Blocking; raises ``SQLAlchemyError``."""
        now = self._clock()
        mine = {"holder": self._holder, "ends": now + self._lasts_s}
        free = or_(leases.c.holder == self._holder, leases.c.ends < now)
        try:
            with self._engine.begin() as connection:
                named = leases.c.name == self._name
                if connection.execute(update(leases).where(named, free).values(**mine)).rowcount:
                    return True
                connection.execute(insert(leases).values(name=self._name, **mine))
        except IntegrityError:
            return False  # somebody else's
        return True

    def give_back(self) -> None:
        """Let another worker have it at once. Blocking; raises ``SQLAlchemyError``."""
        with self._engine.begin() as connection:
            connection.execute(
                delete(leases).where(leases.c.name == self._name, leases.c.holder == self._holder)
            )
