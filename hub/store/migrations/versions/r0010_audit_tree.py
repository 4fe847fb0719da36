"""The tree over audit entries, its signed heads, the index for searching, legal holds."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "r0010"
down_revision = "r0009"
branch_labels = None
depends_on = None

_SERIAL = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "audit_tiles",
        sa.Column("algorithm", sa.String(16), primary_key=True),
        sa.Column("level", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("idx", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("hashes", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "audit_heads",
        sa.Column("algorithm", sa.String(16), primary_key=True),
        sa.Column("size", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("root", sa.String(64), nullable=False),
        sa.Column("ts", sa.BigInteger, nullable=False),
        sa.Column("key_id", sa.String(64), nullable=False),
        sa.Column("signature", sa.String(128), nullable=False),
    )
    op.create_table(
        "audit_blocks",
        sa.Column("block", _SERIAL, primary_key=True, autoincrement=False),
        sa.Column("first_ts", sa.Float, nullable=False),
        sa.Column("last_ts", sa.Float, nullable=False),
    )
    op.create_table(
        "audit_index",
        sa.Column("block", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("term", sa.LargeBinary, primary_key=True),
        sa.Column("places", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "audit_holds",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("terms", sa.Text, nullable=False),
        sa.Column("set_at", sa.Float, nullable=False),
        sa.Column("set_by", sa.String(200), nullable=False),
    )


def downgrade() -> None:
    for name in ("audit_holds", "audit_index", "audit_blocks", "audit_heads", "audit_tiles"):
        op.drop_table(name)
