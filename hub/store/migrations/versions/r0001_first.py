"""The first shape: audit entries, API keys, catalogue versions, bundles, documents."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "r0001"
down_revision = None
branch_labels = None
depends_on = None

_SERIAL = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "audit_entries",
        sa.Column("seq", _SERIAL, primary_key=True, autoincrement=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
    )
    op.create_table(
        "api_keys",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("record", sa.Text, nullable=False),
        sa.Column("revoked", sa.Boolean, nullable=False),
        sa.Column("changed_at", sa.Float, nullable=False),
    )
    op.create_table(
        "catalogue_versions",
        sa.Column("number", _SERIAL, primary_key=True, autoincrement=False),
        sa.Column("digest", sa.String(128), nullable=False),
        sa.Column("fragments", sa.Text, nullable=False),
        sa.Column("published_at", sa.Float, nullable=False),
        sa.Column("published_by", sa.String(200), nullable=False),
    )
    op.create_index("catalogue_versions_digest", "catalogue_versions", ["digest"])
    op.create_table(
        "bundles",
        sa.Column("epoch", _SERIAL, primary_key=True, autoincrement=False),
        sa.Column("digest", sa.String(128), nullable=False),
        sa.Column("content", sa.Text, nullable=False),
        sa.Column("activated_at", sa.Float, nullable=False),
        sa.Column("activated_by", sa.String(200), nullable=False),
    )
    op.create_index("bundles_digest", "bundles", ["digest"])
    op.create_table(
        "documents",
        sa.Column("id", sa.String(200), primary_key=True),
        sa.Column("content", sa.Text, nullable=False),
        sa.Column("registered_at", sa.Float, nullable=False),
        sa.Column("registered_by", sa.String(200), nullable=False),
    )


def downgrade() -> None:
    for name in ("documents", "bundles", "catalogue_versions", "api_keys", "audit_entries"):
        op.drop_table(name)
