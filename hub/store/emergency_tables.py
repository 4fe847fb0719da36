"""The tables of corrections and of emergencies."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
)

from hub.store.tables import metadata

_SERIAL = BigInteger().with_variant(Integer, "sqlite")

corrections = Table(
    "corrections",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("element", String(200), nullable=False),
    Column("department", String(63), nullable=False),
    Column("mark", String(64), nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("reporter", String(200), nullable=False),
    Column("app", String(200), nullable=False),
    Column("reporter_department", String(63)),
    Column("purpose", String(200)),
    Column("reported_at", Float, nullable=False),
    Column("due_at", Float, nullable=False),
    Column("extended", Boolean, nullable=False),
    Column("state", String(16), nullable=False),
    Column("revision", BigInteger, nullable=False),
    Column("overdue_told", Boolean, nullable=False),
    Index("corrections_state_element", "state", "element"),
    Index("corrections_department", "department"),
    Index("corrections_app_state", "app", "state"),
)
"""Doubts about values; `sealed` is the encrypted row's key, claimed value and evidence, `mark` a
keyed hash of type, key and field."""

correction_steps = Table(
    "correction_steps",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("revision", _SERIAL, primary_key=True, autoincrement=False),
    Column("act", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Column("by", String(200), nullable=False),
    Column("at", Float, nullable=False),
    Column("note", LargeBinary),
    Column("told", Boolean, nullable=False),
    Index("correction_steps_told", "told"),
)
"""Who did what when with a doubt; `note` is encrypted, `told` whether those concerned know."""

emergencies = Table(
    "emergencies",
    metadata,
    Column("id", String(63), primary_key=True),
    Column("title", String(200), nullable=False),
    Column("region", String(64)),
    Column("opens", Text, nullable=False),
    Column("since", Float, nullable=False),
    Column("until", Float, nullable=False),
    Column("declared_by", String(200), nullable=False),
    Column("declared_at", Float, nullable=False),
    Column("ended_at", Float),
    Column("ended_by", String(200)),
)
"""Declared emergencies; `opens` is JSON of the lists that may be opened in one."""

emergency_openings = Table(
    "emergency_openings",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("emergency", String(63), nullable=False),
    Column("list", String(80), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("app", String(200), nullable=False),
    Column("user", String(200), nullable=False),
    Column("subject", String(200), nullable=False),
    Column("department", String(63)),
    Column("region", String(64)),
    Column("acr", String(200), nullable=False),
    Column("case_id", String(200), nullable=False),
    Column("reason", Text, nullable=False),
    Column("owners", Text, nullable=False),
    Column("since", Float, nullable=False),
    Column("until", Float, nullable=False),
    Column("revoked_at", Float),
    Column("revoked_by", String(200)),
    Column("review_due", Float, nullable=False),
    Column("outcome", String(16)),
    Column("reviewed_by", String(200)),
    Column("reviewed_at", Float),
    Column("review_note", Text),
    Column("overdue_told", Boolean, nullable=False),
    Index("emergency_openings_outcome", "outcome"),
)
"""What persons have opened in an emergency, and what its review came to; `digest` is that of the
list as it was then, `owners` JSON of the departments whose fields it shows."""

emergency_steps = Table(
    "emergency_steps",
    metadata,
    Column("number", _SERIAL, primary_key=True, autoincrement=False),
    Column("act", String(16), nullable=False),
    Column("about", String(63), nullable=False),
    Column("by", String(200), nullable=False),
    Column("at", Float, nullable=False),
    Column("told", Boolean, nullable=False),
    Index("emergency_steps_told", "told"),
)
"""What happened, in order: workers take up what is new, and one of them tells those concerned."""
