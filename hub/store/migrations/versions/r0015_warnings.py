"""Early warnings, what they are judged by, and the history of sources' health."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "r0015"
down_revision = "r0014"
branch_labels = None
depends_on = None


_SERIAL = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "warning_positions",
        sa.Column("name", sa.String(16), primary_key=True),
        sa.Column("number", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "warning_counts",
        sa.Column("span", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("measure", sa.String(16), primary_key=True),
        sa.Column("starts", _SERIAL, primary_key=True, autoincrement=False),
        sa.Column("app", sa.String(200), primary_key=True),
        sa.Column("what", sa.String(300), primary_key=True),
        sa.Column("amount", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "warning_uses",
        sa.Column("app", sa.String(200), primary_key=True),
        sa.Column("element", sa.String(300), primary_key=True),
        sa.Column("department", sa.String(200), nullable=False),
        sa.Column("first_at", sa.Float, nullable=False),
        sa.Column("last_at", sa.Float, nullable=False),
        sa.Column("amount", sa.BigInteger, nullable=False),
    )
    op.create_index("warning_uses_first", "warning_uses", ["first_at"])
    op.create_table(
        "warnings",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("rule", sa.String(80), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("severity", sa.String(16), nullable=False),
        sa.Column("owner", sa.String(200), nullable=False),
        sa.Column("title_en", sa.Text, nullable=False),
        sa.Column("title_zh", sa.Text, nullable=False),
        sa.Column("app", sa.String(200), nullable=False),
        sa.Column("department", sa.String(200), nullable=False),
        sa.Column("source", sa.String(200), nullable=False),
        sa.Column("what", sa.String(300), nullable=False),
        sa.Column("since", sa.Float, nullable=False),
        sa.Column("first_at", sa.Float, nullable=False),
        sa.Column("last_at", sa.Float, nullable=False),
        sa.Column("times", sa.BigInteger, nullable=False),
        sa.Column("amount", sa.BigInteger, nullable=False),
        sa.Column("expected", sa.Float, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("changed_at", sa.Float, nullable=False),
        sa.Column("changed_by", sa.String(200), nullable=False),
        sa.Column("reason", sa.Text),
    )
    op.create_index("warnings_last", "warnings", ["last_at"])
    op.create_index("warnings_rule", "warnings", ["rule", "last_at"])
    op.create_table(
        "warning_deliveries",
        sa.Column("warning", sa.String(32), primary_key=True),
        sa.Column("receiver", sa.String(100), primary_key=True),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("tries", sa.BigInteger, nullable=False),
        sa.Column("due", sa.Float, nullable=False),
        sa.Column("outcome", sa.String(40), nullable=False),
    )
    op.create_index("warning_deliveries_due", "warning_deliveries", ["state", "due"])
    op.create_table(
        "source_hours",
        sa.Column("source", sa.String(200), primary_key=True),
        sa.Column("starts", _SERIAL, primary_key=True, autoincrement=False),
        sa.Column("department", sa.String(200), nullable=False),
        sa.Column("looks", sa.BigInteger, nullable=False),
        sa.Column("answered", sa.BigInteger, nullable=False),
        sa.Column("judged", sa.BigInteger, nullable=False),
        sa.Column("fresh", sa.BigInteger, nullable=False),
        sa.Column("last_at", sa.Float, nullable=False),
        sa.Column("age_s", sa.Float),
        sa.Column("expect_s", sa.Float),
    )
    op.create_index("source_hours_starts", "source_hours", ["starts"])


def downgrade() -> None:
    op.drop_table("source_hours")
    op.drop_table("warning_deliveries")
    op.drop_table("warnings")
    op.drop_table("warning_uses")
    op.drop_table("warning_counts")
    op.drop_table("warning_positions")
