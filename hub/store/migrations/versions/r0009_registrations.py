"""Registered sources: their texts, versions and steps."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "r0009"
down_revision = "r0008"
branch_labels = None
depends_on = None

_SERIAL = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "registration_texts",
        sa.Column("digest", sa.String(64), primary_key=True),
        sa.Column("text", sa.Text, nullable=False),
    )
    op.create_table(
        "registration_versions",
        sa.Column("source", sa.String(63), primary_key=True),
        sa.Column("version", _SERIAL, primary_key=True, autoincrement=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("department", sa.String(63), nullable=False),
        sa.Column("follows", sa.BigInteger, nullable=False),
        sa.Column("written_by", sa.Text, nullable=False),
        sa.Column("submitted_by", sa.String(200)),
        sa.Column("report", sa.Text),
        sa.Column("approval", sa.Text),
        sa.Column("reason", sa.Text),
        sa.Column("changed_at", sa.Float, nullable=False),
        sa.Column("changed_by", sa.String(200), nullable=False),
    )
    op.create_table(
        "registration_steps",
        sa.Column("source", sa.String(63), primary_key=True),
        sa.Column("revision", _SERIAL, primary_key=True, autoincrement=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("act", sa.String(16), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("by", sa.String(200), nullable=False),
        sa.Column("at", sa.Float, nullable=False),
        sa.Column("reason", sa.Text),
    )


def downgrade() -> None:
    for name in ("registration_steps", "registration_versions", "registration_texts"):
        op.drop_table(name)
