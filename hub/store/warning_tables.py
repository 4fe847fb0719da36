"""The tables of early warnings, and of how sources fare."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Float, Index, Integer, String, Table, Text

from hub.store.tables import metadata

_SERIAL = BigInteger().with_variant(Integer, "sqlite")

warning_positions = Table(
    "warning_positions",
    metadata,
    Column("name", String(16), primary_key=True),
    Column("number", BigInteger, nullable=False),
)
"""How far early warning has come: the last entry counted, the last moment judged."""

warning_counts = Table(
    "warning_counts",
    metadata,
    Column("span", Integer, primary_key=True, autoincrement=False),
    Column("measure", String(16), primary_key=True),
    Column("starts", _SERIAL, primary_key=True, autoincrement=False),
    Column("app", String(200), primary_key=True),
    Column("what", String(300), primary_key=True),
    Column("amount", BigInteger, nullable=False),
)
"""What applications did, by stretches of `span` seconds: names and numbers, never a value."""

warning_uses = Table(
    "warning_uses",
    metadata,
    Column("app", String(200), primary_key=True),
    Column("element", String(300), primary_key=True),
    Column("department", String(200), nullable=False),
    Column("first_at", Float, nullable=False),
    Column("last_at", Float, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Index("warning_uses_first", "first_at"),
)
"""Since when an application has used an element of the catalogue, and when last. The element that
is empty stands for the application itself; `department` is its own."""

warnings = Table(
    "warnings",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("rule", String(80), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("severity", String(16), nullable=False),
    Column("owner", String(200), nullable=False),
    Column("title_en", Text, nullable=False),
    Column("title_zh", Text, nullable=False),
    Column("app", String(200), nullable=False),
    Column("department", String(200), nullable=False),
    Column("source", String(200), nullable=False),
    Column("what", String(300), nullable=False),
    Column("since", Float, nullable=False),
    Column("first_at", Float, nullable=False),
    Column("last_at", Float, nullable=False),
    Column("times", BigInteger, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("expected", Float, nullable=False),
    Column("state", String(16), nullable=False),
    Column("revision", BigInteger, nullable=False),
    Column("changed_at", Float, nullable=False),
    Column("changed_by", String(200), nullable=False),
    Column("reason", Text),
    Index("warnings_last", "last_at"),
    Index("warnings_rule", "rule", "last_at"),
)
"""Early warnings, and what became of them."""

warning_deliveries = Table(
    "warning_deliveries",
    metadata,
    Column("warning", String(32), primary_key=True),
    Column("receiver", String(100), primary_key=True),
    Column("state", String(16), nullable=False),
    Column("tries", BigInteger, nullable=False),
    Column("due", Float, nullable=False),
    Column("outcome", String(40), nullable=False),
    Index("warning_deliveries_due", "state", "due"),
)
"""Who is told of a warning, and whether they took it."""

source_hours = Table(
    "source_hours",
    metadata,
    Column("source", String(200), primary_key=True),
    Column("starts", _SERIAL, primary_key=True, autoincrement=False),
    Column("department", String(200), nullable=False),
    Column("looks", BigInteger, nullable=False),
    Column("answered", BigInteger, nullable=False),
    Column("judged", BigInteger, nullable=False),
    Column("fresh", BigInteger, nullable=False),
    Column("last_at", Float, nullable=False),
    Column("age_s", Float),
    Column("expect_s", Float),
    Index("source_hours_starts", "starts"),
)
"""Looks at each source by hours: how often it answered, and was as fresh as it promises where
that can be told."""
