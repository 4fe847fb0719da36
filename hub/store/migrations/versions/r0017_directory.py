"""The directory: departments, applications, persons, duty items."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "r0017"
down_revision = "r0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "directory_entries",
        sa.Column("kind", sa.String(16), primary_key=True),
        sa.Column("id", sa.String(200), primary_key=True),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("department", sa.String(200)),
        sa.Column("external", sa.String(200)),
        sa.Column("suspended", sa.Boolean, nullable=False),
        sa.Column("removed", sa.Boolean, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("confirmed", sa.Text, nullable=False),
        sa.Column("changed_at", sa.Float, nullable=False),
        sa.Column("changed_by", sa.String(200), nullable=False),
    )
    table = "directory_entries"
    op.create_index("directory_entries_number", table, ["number"], unique=True)
    op.create_index("directory_entries_department", table, ["department"])
    op.create_index("directory_entries_external", table, ["kind", "external"])


def downgrade() -> None:
    op.drop_table("directory_entries")
