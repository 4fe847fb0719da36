"""Requests for shares, their parts and steps, and the grants that come of them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "r0014"
down_revision = "r0013"
branch_labels = None
depends_on = None

_SERIAL = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "share_requests",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("department", sa.String(63), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("changed_at", sa.Float, nullable=False),
        sa.Column("changed_by", sa.String(200), nullable=False),
    )
    op.create_index("share_requests_department", "share_requests", ["department"])
    op.create_table(
        "share_parts",
        sa.Column("request", sa.String(64), primary_key=True),
        sa.Column("part", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("department", sa.String(63), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("due", sa.Float),
        sa.Column("answered_at", sa.Float),
    )
    op.create_index("share_parts_department", "share_parts", ["department", "state"])
    op.create_table(
        "share_steps",
        sa.Column("request", sa.String(64), primary_key=True),
        sa.Column("revision", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("act", sa.String(16), nullable=False),
        sa.Column("part", sa.Integer),
        sa.Column("by", sa.String(200), nullable=False),
        sa.Column("at", sa.Float, nullable=False),
        sa.Column("reason", sa.Text),
    )
    op.create_table(
        "share_grants",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("number", _SERIAL, nullable=False, unique=True),
        sa.Column("request", sa.String(64), nullable=False),
        sa.Column("part", sa.Integer, nullable=False),
        sa.Column("owner", sa.String(63), nullable=False),
        sa.Column("department", sa.String(63), nullable=False),
        sa.Column("app", sa.String(200), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("since", sa.Float, nullable=False),
        sa.Column("expires", sa.Float, nullable=False),
        sa.Column("certified_at", sa.Float, nullable=False),
        sa.Column("changed_at", sa.Float, nullable=False),
        sa.Column("changed_by", sa.String(200), nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("mac", sa.LargeBinary, nullable=False),
    )
    op.create_index("share_grants_owner", "share_grants", ["owner"])
    op.create_index("share_grants_department", "share_grants", ["department"])
    op.create_table(
        "share_reach",
        sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("worker", sa.String(100), primary_key=True),
        sa.Column("at", sa.Float, nullable=False),
    )


def downgrade() -> None:
    for name in ("share_reach", "share_grants", "share_steps", "share_parts", "share_requests"):
        op.drop_table(name)
