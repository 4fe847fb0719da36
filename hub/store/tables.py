"""The tables of the Hub's own database, the same in SQLite and PostgreSQL."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
)

metadata = MetaData()

_SERIAL = BigInteger().with_variant(Integer, "sqlite")

audit_entries = Table(
    "audit_entries",
    metadata,
    Column("seq", _SERIAL, primary_key=True, autoincrement=False),
    Column("hash", LargeBinary, nullable=False),
    Column("body", Text, nullable=False),
)
"""`body` is the exact text that `hash` was taken over, together with the previous hash."""

audit_tiles = Table(
    "audit_tiles",
    metadata,
    Column("algorithm", String(16), primary_key=True),
    Column("level", Integer, primary_key=True, autoincrement=False),
    Column("idx", BigInteger, primary_key=True, autoincrement=False),
    Column("hashes", LargeBinary, nullable=False),
)
"""The tree over all entries, by the algorithm that made it; see `hub.store.tiles`."""

audit_heads = Table(
    "audit_heads",
    metadata,
    Column("algorithm", String(16), primary_key=True),
    Column("size", BigInteger, primary_key=True, autoincrement=False),
    Column("root", String(64), nullable=False),
    Column("ts", BigInteger, nullable=False),
    Column("key_id", String(64), nullable=False),
    Column("signature", String(128), nullable=False),
)
"""What the hub has signed of the tree; none is ever changed or deleted."""

audit_blocks = Table(
    "audit_blocks",
    metadata,
    Column("block", _SERIAL, primary_key=True, autoincrement=False),
    Column("first_ts", Float, nullable=False),
    Column("last_ts", Float, nullable=False),
)
"""Blocks of entries that are indexed for searching, with the earliest and latest time in each."""

audit_index = Table(
    "audit_index",
    metadata,
    Column("block", BigInteger, primary_key=True, autoincrement=False),
    Column("term", LargeBinary, primary_key=True),
    Column("places", LargeBinary, nullable=False),
)
"""Where in a block a term stands; `term` is a digest, `places` are numbers or a bitmap. By blocks
first: what is indexed is then written in one place, and a search looks once into each block."""

audit_holds = Table(
    "audit_holds",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("terms", Text, nullable=False),
    Column("set_at", Float, nullable=False),
    Column("set_by", String(200), nullable=False),
)
"""Legal holds in force: `terms` is JSON of what they hold. Both ends are on record as acts."""

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("record", Text, nullable=False),
    Column("revoked", Boolean, nullable=False),
    Column("changed_at", Float, nullable=False),
)
"""`record` is an `auth.apikeys.KeyRecord` as JSON; no secret, only hashes of secrets."""

catalogue_versions = Table(
    "catalogue_versions",
    metadata,
    Column("number", _SERIAL, primary_key=True, autoincrement=False),
    Column("digest", String(128), nullable=False),
    Column("fragments", Text, nullable=False),
    Column("published_at", Float, nullable=False),
    Column("published_by", String(200), nullable=False),
    Index("catalogue_versions_digest", "digest"),
)

"""What of registered sources is in force, by the number of each publication; `fragments` is JSON of
source -> version, the newest counts."""

registration_texts = Table(
    "registration_texts",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("text", Text, nullable=False),
)
"""Fragments as they were written, by the digest of their text; none is ever changed or deleted."""

registration_versions = Table(
    "registration_versions",
    metadata,
    Column("source", String(63), primary_key=True),
    Column("version", _SERIAL, primary_key=True, autoincrement=False),
    Column("state", String(16), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("department", String(63), nullable=False),
    Column("follows", BigInteger, nullable=False),
    Column("written_by", Text, nullable=False),
    Column("submitted_by", String(200)),
    Column("report", Text),
    Column("approval", Text),
    Column("reason", Text),
    Column("changed_at", Float, nullable=False),
    Column("changed_by", String(200), nullable=False),
)
"""Versions of registered sources; `follows` is what was published when one was begun, `written_by`
JSON of all who wrote its text."""

registration_steps = Table(
    "registration_steps",
    metadata,
    Column("source", String(63), primary_key=True),
    Column("revision", _SERIAL, primary_key=True, autoincrement=False),
    Column("version", BigInteger, nullable=False),
    Column("act", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("by", String(200), nullable=False),
    Column("at", Float, nullable=False),
    Column("reason", Text),
)
"""Who did what when to a source; the revision counts the steps, and each states the one before."""

bundles = Table(
    "bundles",
    metadata,
    Column("epoch", _SERIAL, primary_key=True, autoincrement=False),
    Column("digest", String(128), nullable=False),
    Column("content", Text, nullable=False),
    Column("activated_at", Float, nullable=False),
    Column("activated_by", String(200), nullable=False),
    Index("bundles_digest", "digest"),
)

releases = Table(
    "releases",
    metadata,
    Column("epoch", _SERIAL, primary_key=True, autoincrement=False),
    Column("digest", String(128), nullable=False),
    Column("release", Text, nullable=False),
    Column("rollback", Text),
    Column("kind", String(32), nullable=False),
    Column("active_from", Float, nullable=False),
    Column("recorded_at", Float, nullable=False),
    Column("recorded_by", String(200), nullable=False),
    Column("revokes_after", BigInteger),
    Column("dropped", Boolean, nullable=False),
)
"""Signed releases by the epoch they have or will have; `rollback` is the signed order for one.

Of those not `dropped`, at most the newest is yet to come into force."""

vouched = Table(
    "vouched",
    metadata,
    Column("kind", String(16), primary_key=True),
    Column("about", String(200), primary_key=True),
    Column("serial", _SERIAL, primary_key=True, autoincrement=False),
    Column("statement", Text, nullable=False),
    Column("recorded_at", Float, nullable=False),
    Column("recorded_by", String(200), nullable=False),
)
"""Signed statements: owners' floors by department, approved bounds by document. The newest of each
counts; none is ever changed or deleted."""

quota_counters = Table(
    "quota_counters",
    metadata,
    Column("counter", String(64), primary_key=True),
    Column("starts", _SERIAL, primary_key=True, autoincrement=False),
    Column("ends", BigInteger, nullable=False),
    Column("used", BigInteger, nullable=False),
    Index("quota_counters_ends", "ends"),
)
"""What was asked of one quota by one holder in one window; `counter` is a digest of both."""

quota_persons = Table(
    "quota_persons",
    metadata,
    Column("counter", String(64), primary_key=True),
    Column("starts", _SERIAL, primary_key=True, autoincrement=False),
    Column("person", LargeBinary, primary_key=True),
)
"""The persons a window has counted, as keyed hashes that differ by counter and window."""

mosaic_parts = Table(
    "mosaic_parts",
    metadata,
    Column("counter", String(64), primary_key=True),
    Column("part", String(64), primary_key=True),
    Column("ends", BigInteger, nullable=False),
    Index("mosaic_parts_ends", "ends"),
)
"""Until when a part counts as used by one holder of one mosaic; both as digests."""

link_tokens = Table(
    "link_tokens",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("ends", BigInteger, nullable=False),
    Index("link_tokens_ends", "ends"),
)
"""Tokens of links that were used, as digests, until they end by themselves."""

login_sessions = Table(
    "login_sessions",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("person", String(64), nullable=False),
    Column("record", Text, nullable=False),
    Column("began", Float, nullable=False),
    Column("seen", Float, nullable=False),
    Column("ends", Float, nullable=False),
    Index("login_sessions_person", "person"),
    Index("login_sessions_ends", "ends"),
)
"""Sessions of people in browsers: `id` is a digest of what the browser has, `record` an
`auth.session.Session` as JSON, without any token of a provider."""

leases = Table(
    "leases",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("holder", String(64), nullable=False),
    Column("ends", Float, nullable=False),
)
"""Which worker does what only one of all workers should do, and until when."""

documents = Table(
    "documents",
    metadata,
    Column("id", String(200), primary_key=True),
    Column("content", Text, nullable=False),
    Column("registered_at", Float, nullable=False),
    Column("registered_by", String(200), nullable=False),
)

recorded_operations = Table(
    "recorded_operations",
    metadata,
    Column("key", String(64), primary_key=True),
    Column("operation", Text, nullable=False),
    Column("name", String(128), nullable=True),
    Column("caller", Text, nullable=False),
    Column("purpose", Text, nullable=True),
    Column("network_zone", Text, nullable=True),
    Column("acr", Text, nullable=True),
    Column("case_stated", Boolean, nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("first_seen", Float, nullable=False),
    Column("last_seen", Float, nullable=False),
    Column("asked", BigInteger, nullable=False),
    Index("recorded_operations_last_seen", "last_seen"),
)
"""Operations without values, and who asked them by attributes; `key` is a digest of what is not
counted. For simulating other rules."""
release_proposals = Table(
    "release_proposals",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("name", String(200), nullable=False),
    Column("state", String(16), nullable=False),
    Column("revision", BigInteger, nullable=False),
    Column("release", Text, nullable=False),
    Column("kind", String(32), nullable=False),
    Column("epoch", BigInteger),
    Column("reason", Text),
    Column("changed_at", Float, nullable=False),
    Column("changed_by", String(200), nullable=False),
    Index("release_proposals_changed", "changed_at"),
)
"""Releases that wait for signatures, by the digest of what is signed; `epoch` is the one under
which it was put in force."""

control_replies = Table(
    "control_replies",
    metadata,
    Column("key", String(64), primary_key=True),
    Column("request", String(64), nullable=False),
    Column("reply", LargeBinary),
    Column("ends", Float, nullable=False),
    Index("control_replies_ends", "ends"),
)
"""What the control door answered to requests that bear a key of their caller's, encrypted; without
`reply` while one is under way. Keys and requests are digests."""

directory_entries = Table(
    "directory_entries",
    metadata,
    Column("kind", String(16), primary_key=True),
    Column("id", String(200), primary_key=True),
    Column("revision", BigInteger, nullable=False),
    Column("number", BigInteger, nullable=False),
    Column("department", String(200)),
    Column("external", String(200)),
    Column("suspended", Boolean, nullable=False),
    Column("removed", Boolean, nullable=False),
    Column("body", Text, nullable=False),
    Column("confirmed", Text, nullable=False),
    Column("changed_at", Float, nullable=False),
    Column("changed_by", String(200), nullable=False),
    Index("directory_entries_number", "number", unique=True),
    Index("directory_entries_department", "department"),
    Index("directory_entries_external", "kind", "external"),
)
"""Departments, applications, persons and duty items. `number` is one for each change of the whole
directory, the greatest is the last; what was removed stays as an empty row, so that neither number
nor revision ever comes again. `confirmed` is JSON of attribute -> when and by what."""
