"""Sessions of people in browsers, in the Hub's own database: every worker sees the same."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import msgspec
import sqlalchemy as sa
import structlog
from sqlalchemy.engine import Connection, Engine

from auth.session import Session, fresh_id, stored, subject_now
from hub.store.tables import login_sessions
from schema.errors import HubError
from schema.model.subject import Subject

log = structlog.get_logger("hub.store")

LOOK_S = 2.0
"""How long a worker takes a session to stand as it did: what ends elsewhere ends here so late."""
_KEPT = 10_000
_MOST = 20
"""Sessions of one person; the oldest go."""
_TOUCH_S = 30.0
_decoder = msgspec.json.Decoder(Session)

Found = TypeVar("Found")


class StoredSessions:
    """Begins, finds and ends sessions, in one thread. Units: `idle_s` seconds."""

    def __init__(
        self,
        engine: Engine,
        *,
        idle_s: float,
        ages: Mapping[str, float] | None = None,
        wait_s: float = 5.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._engine = engine
        self._idle_s = idle_s
        self._ages = ages or {}
        self._wait_s = wait_s
        self._clock = clock
        self._known: dict[str, tuple[float, Session]] = {}
        self._thread = ThreadPoolExecutor(1, "hub-sessions")

    async def begin(self, session: Session, *, instead_of: str | None = None) -> str:
        """The id of a new session; the one that it takes the place of ends. Raises: `HubError`
        OVERLOADED when it cannot be stored."""
        ident = fresh_id()
        await self._run(lambda: self._begin(ident, session, instead_of))
        self._known.pop(instead_of or "", None)
        return ident

    async def find(self, ident: str, *, using: bool = True) -> Session | None:
        """The session if it stands; `using` it puts its idle end off. Raises: `HubError`."""
        now = self._clock()
        held = self._known.get(ident)
        if held is not None and held[0] <= now < held[0] + LOOK_S and now < held[1].ends:
            return held[1]
        found = await self._run(lambda: self._find(ident, now, using))
        if found is None:
            self._known.pop(ident, None)
            return None
        if held is not None and held[1] == found:
            found = held[1]  # the same object again: what others keep for its subject stays good
        if using:
            if len(self._known) >= _KEPT:
                self._known = {}
            self._known[ident] = (now, found)
        return found

    async def subject(self, ident: str) -> Subject | None:
        """Whose session it is, as strongly logged in as counts now. Raises: `HubError`."""
        found = await self.find(ident)
        return None if found is None else subject_now(found, self._ages, self._clock())

    async def end(self, ident: str) -> None:
        """End a session. Raises: `HubError` OVERLOADED when it may go on."""
        await self._run(lambda: self._end(ident))
        self._known.pop(ident, None)

    def close(self) -> None:
        """Wait for what is being stored, and end; blocking."""
        self._thread.shutdown(cancel_futures=True)

    async def _run(self, work: Callable[[], Found]) -> Found:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._wait_s):
                return await loop.run_in_executor(self._thread, work)
        except (TimeoutError, sa.exc.SQLAlchemyError, OSError, RuntimeError) as error:
            # fails closed: a session that cannot be looked at may have ended
            log.error("sessions.unavailable", kind=type(error).__name__)
            raise HubError("OVERLOADED", "sessions cannot be looked at") from None

    def _begin(self, ident: str, session: Session, instead_of: str | None) -> None:
        now, table = self._clock(), login_sessions
        with self._engine.begin() as connection:
            if instead_of is not None:
                connection.execute(sa.delete(table).where(table.c.id == stored(instead_of)))
            late = sa.or_(table.c.ends <= now, table.c.seen <= now - self._idle_s)
            connection.execute(sa.delete(table).where(late))
            self._make_room(connection, session.person)
            connection.execute(
                sa.insert(table).values(
                    id=stored(ident),
                    person=session.person,
                    record=msgspec.json.encode(session).decode(),
                    began=now,
                    seen=now,
                    ends=session.ends,
                )
            )

    def _make_room(self, connection: Connection, person: str) -> None:
        table = login_sessions
        newest = (
            sa.select(table.c.id)
            .where(table.c.person == person)
            .order_by(table.c.began.desc(), table.c.id)
        )
        for ident in connection.scalars(newest).all()[_MOST - 1 :]:
            connection.execute(sa.delete(table).where(table.c.id == ident))

    def _find(self, ident: str, now: float, using: bool) -> Session | None:
        table, key = login_sessions, stored(ident)
        query = sa.select(table.c.record, table.c.seen, table.c.ends).where(table.c.id == key)
        with self._engine.connect() as connection:
            row = connection.execute(query).first()
        if row is None or now >= row.ends or now >= row.seen + self._idle_s:
            return None
        if using and now > row.seen + min(_TOUCH_S, self._idle_s / 10):
            with self._engine.begin() as connection:
                touched = sa.update(table).where(table.c.id == key, table.c.seen < now)
                connection.execute(touched.values(seen=now))
        try:
            return _decoder.decode(row.record)
        except msgspec.DecodeError as error:
            # fails closed: what cannot be read is nobody's
            log.error("sessions.unavailable", kind=type(error).__name__)
            return None

    def _end(self, ident: str) -> None:
        with self._engine.begin() as connection:
            table = login_sessions
            connection.execute(sa.delete(table).where(table.c.id == stored(ident)))
