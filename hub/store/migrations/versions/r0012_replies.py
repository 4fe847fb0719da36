"""Replies of the control door to requests with a key."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "r0012"
down_revision = "r0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "control_replies",
        sa.Column("key", sa.String(64), primary_key=True),
        sa.Column("request", sa.String(64), nullable=False),
        sa.Column("reply", sa.LargeBinary),
        sa.Column("ends", sa.Float, nullable=False),
    )
    op.create_index("control_replies_ends", "control_replies", ["ends"])


def downgrade() -> None:
    op.drop_table("control_replies")
