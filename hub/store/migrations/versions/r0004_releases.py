"""Signed releases of rules, by epoch."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "r0004"
down_revision = "r0003"
branch_labels = None
depends_on = None

_SERIAL = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "releases",
        sa.Column("epoch", _SERIAL, primary_key=True, autoincrement=False),
        sa.Column("digest", sa.String(128), nullable=False),
        sa.Column("release", sa.Text, nullable=False),
        sa.Column("rollback", sa.Text),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("active_from", sa.Float, nullable=False),
        sa.Column("recorded_at", sa.Float, nullable=False),
        sa.Column("recorded_by", sa.String(200), nullable=False),
        sa.Column("revokes_after", sa.BigInteger),
        sa.Column("dropped", sa.Boolean, nullable=False),
    )


def downgrade() -> None:
    op.drop_table("releases")
