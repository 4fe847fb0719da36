"""Which tokens of links were used."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "r0008"
down_revision = "r0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "link_tokens",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("ends", sa.BigInteger, nullable=False),
    )
    op.create_index("link_tokens_ends", "link_tokens", ["ends"])


def downgrade() -> None:
    op.drop_table("link_tokens")
