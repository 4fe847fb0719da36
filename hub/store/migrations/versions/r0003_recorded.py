"""Operations without their values, for simulating other rules."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "r0003"
down_revision = "r0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "recorded_operations",
        sa.Column("key", sa.String(64), primary_key=True),
        sa.Column("operation", sa.Text, nullable=False),
        sa.Column("name", sa.String(128), nullable=True),
        sa.Column("caller", sa.Text, nullable=False),
        sa.Column("purpose", sa.Text, nullable=True),
        sa.Column("network_zone", sa.Text, nullable=True),
        sa.Column("acr", sa.Text, nullable=True),
        sa.Column("case_stated", sa.Boolean, nullable=False),
        sa.Column("epoch", sa.BigInteger, nullable=False),
        sa.Column("first_seen", sa.Float, nullable=False),
        sa.Column("last_seen", sa.Float, nullable=False),
        sa.Column("asked", sa.BigInteger, nullable=False),
    )
    op.create_index("recorded_operations_last_seen", "recorded_operations", ["last_seen"])


def downgrade() -> None:
    op.drop_table("recorded_operations")
