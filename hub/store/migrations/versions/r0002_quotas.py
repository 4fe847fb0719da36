"""Counters of quotas, and the hashes of the persons they have counted."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "r0002"
down_revision = "r0001"
branch_labels = None
depends_on = None

_SERIAL = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "quota_counters",
        sa.Column("counter", sa.String(64), primary_key=True),
        sa.Column("starts", _SERIAL, primary_key=True, autoincrement=False),
        sa.Column("ends", sa.BigInteger, nullable=False),
        sa.Column("used", sa.BigInteger, nullable=False),
    )
    op.create_index("quota_counters_ends", "quota_counters", ["ends"])
    op.create_table(
        "quota_persons",
        sa.Column("counter", sa.String(64), primary_key=True),
        sa.Column("starts", _SERIAL, primary_key=True, autoincrement=False),
        sa.Column("person", sa.LargeBinary, primary_key=True),
    )


def downgrade() -> None:
    for name in ("quota_persons", "quota_counters"):
        op.drop_table(name)
