"""Which parts of a mosaic have been used lately."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "r0005"
down_revision = "r0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "mosaic_parts",
        sa.Column("counter", sa.String(64), primary_key=True),
        sa.Column("part", sa.String(64), primary_key=True),
        sa.Column("ends", sa.BigInteger, nullable=False),
    )
    op.create_index("mosaic_parts_ends", "mosaic_parts", ["ends"])


def downgrade() -> None:
    op.drop_table("mosaic_parts")
