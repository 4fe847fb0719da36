"""API keys in the Hub's own database."""

from __future__ import annotations

import time
from collections.abc import Callable

import msgspec
import sqlalchemy as sa
import structlog
from sqlalchemy.engine import Engine

from auth.apikeys import KeyRecord
from hub.store.tables import api_keys
from schema.errors import HubError

log = structlog.get_logger("hub.store")

_decoder = msgspec.json.Decoder(KeyRecord)


class StoredKeys:
    """An `auth.apikeys.KeyStore`, and what writes it; blocking."""

    def __init__(self, engine: Engine, *, clock: Callable[[], float] = time.time) -> None:
        self._engine = engine
        self._clock = clock

    def load(self, key_id: str) -> KeyRecord | None:
        """The record, ``None`` also when the database does not answer."""
        query = sa.select(api_keys.c.record).where(
            api_keys.c.id == key_id, api_keys.c.revoked.is_(sa.false())
        )
        try:
            with self._engine.connect() as connection:
                text = connection.scalar(query)
            return None if text is None else _decoder.decode(text)
        except (sa.exc.SQLAlchemyError, msgspec.DecodeError) as error:
            # fails closed: a store that cannot be read vouches for nobody
            log.error("keys.unreadable", kind=type(error).__name__)
            return None

    def save(self, record: KeyRecord) -> None:
        """Write a record over the one with the same id.

        Raises: `HubError` CONFIG_INVALID if the database cannot be written.
        """
        values = {
            "id": record.id,
            "record": msgspec.json.encode(record).decode(),
            "revoked": record.revoked,
            "changed_at": self._clock(),
        }
        try:
            with self._engine.begin() as connection:
                connection.execute(sa.delete(api_keys).where(api_keys.c.id == record.id))
                connection.execute(sa.insert(api_keys).values(values))
        except sa.exc.SQLAlchemyError as error:
            raise HubError(
                "CONFIG_INVALID",
                "the state database cannot be written",
                hint="check `state` in the configuration",
                cause=error,
            ) from error

    def all(self) -> tuple[KeyRecord, ...]:
        """Every record, by id."""
        query = sa.select(api_keys.c.record).order_by(api_keys.c.id)
        with self._engine.connect() as connection:
            return tuple(_decoder.decode(text) for text in connection.scalars(query))
