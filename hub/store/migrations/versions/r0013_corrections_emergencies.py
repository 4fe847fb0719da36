"""Doubts about values, and emergencies with what is opened in them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "r0013"
down_revision = "r0012"
branch_labels = None
depends_on = None

_SERIAL = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "corrections",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("element", sa.String(200), nullable=False),
        sa.Column("department", sa.String(63), nullable=False),
        sa.Column("mark", sa.String(64), nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("reporter", sa.String(200), nullable=False),
        sa.Column("app", sa.String(200), nullable=False),
        sa.Column("reporter_department", sa.String(63)),
        sa.Column("purpose", sa.String(200)),
        sa.Column("reported_at", sa.Float, nullable=False),
        sa.Column("due_at", sa.Float, nullable=False),
        sa.Column("extended", sa.Boolean, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("overdue_told", sa.Boolean, nullable=False),
    )
    op.create_table(
        "correction_steps",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("revision", _SERIAL, primary_key=True, autoincrement=False),
        sa.Column("act", sa.String(16), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("by", sa.String(200), nullable=False),
        sa.Column("at", sa.Float, nullable=False),
        sa.Column("note", sa.LargeBinary),
        sa.Column("told", sa.Boolean, nullable=False),
    )
    op.create_table(
        "emergencies",
        sa.Column("id", sa.String(63), primary_key=True),
        sa.Column("title", sa.String(200), nullable=False),
        sa.Column("region", sa.String(64)),
        sa.Column("opens", sa.Text, nullable=False),
        sa.Column("since", sa.Float, nullable=False),
        sa.Column("until", sa.Float, nullable=False),
        sa.Column("declared_by", sa.String(200), nullable=False),
        sa.Column("declared_at", sa.Float, nullable=False),
        sa.Column("ended_at", sa.Float),
        sa.Column("ended_by", sa.String(200)),
    )
    op.create_table(
        "emergency_openings",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("emergency", sa.String(63), nullable=False),
        sa.Column("list", sa.String(80), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("app", sa.String(200), nullable=False),
        sa.Column("user", sa.String(200), nullable=False),
        sa.Column("subject", sa.String(200), nullable=False),
        sa.Column("department", sa.String(63)),
        sa.Column("region", sa.String(64)),
        sa.Column("acr", sa.String(200), nullable=False),
        sa.Column("case_id", sa.String(200), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("owners", sa.Text, nullable=False),
        sa.Column("since", sa.Float, nullable=False),
        sa.Column("until", sa.Float, nullable=False),
        sa.Column("revoked_at", sa.Float),
        sa.Column("revoked_by", sa.String(200)),
        sa.Column("review_due", sa.Float, nullable=False),
        sa.Column("outcome", sa.String(16)),
        sa.Column("reviewed_by", sa.String(200)),
        sa.Column("reviewed_at", sa.Float),
        sa.Column("review_note", sa.Text),
        sa.Column("overdue_told", sa.Boolean, nullable=False),
    )
    op.create_table(
        "emergency_steps",
        sa.Column("number", _SERIAL, primary_key=True, autoincrement=False),
        sa.Column("act", sa.String(16), nullable=False),
        sa.Column("about", sa.String(63), nullable=False),
        sa.Column("by", sa.String(200), nullable=False),
        sa.Column("at", sa.Float, nullable=False),
        sa.Column("told", sa.Boolean, nullable=False),
    )
    op.create_index("corrections_state_element", "corrections", ["state", "element"])
    op.create_index("corrections_department", "corrections", ["department"])
    op.create_index("corrections_app_state", "corrections", ["app", "state"])
    op.create_index("correction_steps_told", "correction_steps", ["told"])
    op.create_index("emergency_openings_outcome", "emergency_openings", ["outcome"])
    op.create_index("emergency_steps_told", "emergency_steps", ["told"])


def downgrade() -> None:
    for name in (
        "emergency_steps",
        "emergency_openings",
        "emergencies",
        "correction_steps",
        "corrections",
    ):
        op.drop_table(name)
