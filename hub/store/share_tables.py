"""The tables of requests for shares and of the grants that come of them."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Float, Index, Integer, LargeBinary, String, Table, Text

from hub.store.tables import metadata

_SERIAL = BigInteger().with_variant(Integer, "sqlite")

share_requests = Table(
    "share_requests",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("revision", BigInteger, nullable=False),
    Column("department", String(63), nullable=False),
    Column("state", String(16), nullable=False),
    Column("body", Text, nullable=False),
    Column("changed_at", Float, nullable=False),
    Column("changed_by", String(200), nullable=False),
    Index("share_requests_department", "department"),
)
"""Requests for shares, as JSON of `hub.sharing.request.Request`."""

share_parts = Table(
    "share_parts",
    metadata,
    Column("request", String(64), primary_key=True),
    Column("part", Integer, primary_key=True, autoincrement=False),
    Column("department", String(63), nullable=False),
    Column("state", String(16), nullable=False),
    Column("due", Float),
    Column("answered_at", Float),
    Index("share_parts_department", "department", "state"),
)
"""The parts of requests by the departments that answer them."""

share_steps = Table(
    "share_steps",
    metadata,
    Column("request", String(64), primary_key=True),
    Column("revision", BigInteger, primary_key=True, autoincrement=False),
    Column("act", String(16), nullable=False),
    Column("part", Integer),
    Column("by", String(200), nullable=False),
    Column("at", Float, nullable=False),
    Column("reason", Text),
)
"""Who did what when to a request."""

share_grants = Table(
    "share_grants",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("number", _SERIAL, nullable=False, unique=True),
    Column("request", String(64), nullable=False),
    Column("part", Integer, nullable=False),
    Column("owner", String(63), nullable=False),
    Column("department", String(63), nullable=False),
    Column("app", String(200), nullable=False),
    Column("state", String(16), nullable=False),
    Column("text", Text, nullable=False),
    Column("since", Float, nullable=False),
    Column("expires", Float, nullable=False),
    Column("certified_at", Float, nullable=False),
    Column("changed_at", Float, nullable=False),
    Column("changed_by", String(200), nullable=False),
    Column("reason", Text),
    Column("mac", LargeBinary, nullable=False),
    Index("share_grants_owner", "owner"),
    Index("share_grants_department", "department"),
)
"""Approved shares; `text` is a grant as a file would have it, `number` that of the last change to
any of them, `mac` the hub's own code over the row."""

share_reach = Table(
    "share_reach",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("worker", String(100), primary_key=True),
    Column("at", Float, nullable=False),
)
"""When each worker had taken up the changes up to a number."""
