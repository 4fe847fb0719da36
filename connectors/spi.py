"""The connector SPI: six methods; push-down is one question, `offer(ask) -> handle + residual`.

Laws, each a check in `connectors.contract`:
(1) fetch followed by the residual equals the Ask evaluated by `connectors.memory`;
(2) a limit is accepted only if the whole predicate and order are accepted;
(3) `offer` called twice gives equal offers; (4) a claimed capability works, a disclaimed one is
shown to be missing; (5) key order and duplicates do not change the answer; (6) cancellation
releases the source within a second; (7) no error text of the source leaves in a public message;
(8) values travel only through params, never formatted into text.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Literal, Protocol

import msgspec

from schema.model.entity import Share
from schema.model.label import Label
from schema.model.names import SourceName
from schema.model.norm import Conversion
from schema.model.predicate import Param, Predicate
from schema.model.scalar import ScalarKind
from schema.model.subject import Subject

PredicateKind = Literal[
    "eq", "ne", "in", "range", "prefix", "contains", "is_null", "and", "or", "not", "keys"
]
"""`keys`: `InKeys`, tuples of column values held by one param."""


class Column(msgspec.Struct, frozen=True):
    """A source column and the kind its canonical values have."""

    name: str
    kind: ScalarKind
    values: tuple[tuple[str, str], ...] = ()
    """Code conversion (source value, canonical value); a connector that cannot convert in the
    source converts what it fetched. A predicate on such a column is over canonical values."""
    digest: Digest | None = None
    """Set: the table has no such column, it is made of others; never null, of kind String."""
    convert: Conversion | None = None
    """Set: the source has other values than the hub's. The hub converts (`connectors.kit.norm`);
    no connector is asked for such a column."""


class Digest(msgspec.Struct, frozen=True):
    """What a column is made of that stands for others and tells nothing of them.

    `connectors.kit.blind` says how; only a connector that claims `digests` is asked for one.
    """

    of: tuple[Column, ...]
    salt: Param
    """Secret, and another for each caller: bound when run, never in a plan."""


class Capabilities(msgspec.Struct, frozen=True, kw_only=True):
    """What a connector can do in its source, exactly."""

    predicates: frozenset[str] = frozenset()
    projects: bool = True
    orders: bool = False
    limits: bool = False
    """`limit` (a scan) and `offset`-less paging by keyset."""
    key_limits: bool = False
    """`limit` per key of a keyed Ask."""
    aggregates: frozenset[str] = frozenset()
    groups: bool = False
    joins: bool = False
    """`Ask.joins` to tables of the same source, in one statement."""
    digests: bool = False
    """Columns with a `digest`, to return, order by and compare; others are not asked for one."""
    documents: bool = False
    """`Ask.document`: rows as JSON text of the final shape, values exactly the canonical ones."""
    max_keys: int = 1
    """Keys accepted in one fetch; 1 = no batching."""
    scans: bool = True
    """Can list rows without keys."""
    max_in_flight: int = 4
    snapshot: bool = False
    speaks_for: bool = False
    """The source rules on the caller itself: it is told `Call.asker`, and no other kind is."""


class OrderBy(msgspec.Struct, frozen=True):
    """Text by code point; nulls count as the largest value (last ascending, first descending)."""

    column: str
    descending: bool = False


class Measure(msgspec.Struct, frozen=True):
    """One aggregate. `count` without a column counts rows, with one counts non-nulls.

    `sum` of Int and BigInt is a BigInt (str), of Decimal a Decimal (str), of Float a float;
    `min` and `max` keep the kind. `avg` is never asked of a connector: the planner asks
    `sum` and `count`. An empty group gives null for `sum`, `min`, `max`.
    """

    name: str
    """Name of the result column."""
    function: Literal["count", "countDistinct", "sum", "min", "max"]
    column: str | None = None


class Aggregate(msgspec.Struct, frozen=True):
    """Group by columns (none = one row for everything) and measure. Groups come back ordered
    by the group columns, ascending."""

    group_by: tuple[str, ...]
    measures: tuple[Measure, ...]


class Join(msgspec.Struct, frozen=True, kw_only=True):
    """A related table of the same source, answered nested in the same fetch."""

    name: str
    """Unique among its siblings; names `Batch.nested`."""
    on: tuple[tuple[str, str], ...]
    """(parent column, child column) pairs; the columns need not be among those returned."""
    many: bool
    ask: Ask
    """Without `key_columns`; its `limit` is per parent row."""


class Constant(msgspec.Struct, frozen=True):
    """An entry that is the same in every object."""

    value: str | None


class FromColumn(msgspec.Struct, frozen=True):
    """An entry that holds a column's canonical value."""

    column: str


class FromJoin(msgspec.Struct, frozen=True, kw_only=True):
    """An entry that holds the rows of one of the Ask's joins."""

    join: str
    form: Literal["one", "list", "object"]
    """An object or null, an array of objects, or an object around the array."""
    document: Document
    show: int | Param | None = None
    """How many rows are written, the first by the join's order; None = all. Those that the
    join's limit reaches beyond are looked at, like all others, for values that are none."""
    backward: bool = False
    """Written last to first."""
    around: tuple[tuple[str, Constant | None], ...] = ()
    """The entries of the object around the array; None = the array."""


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """How a row of an Ask becomes one JSON object."""

    entries: tuple[tuple[str, Constant | FromColumn | FromJoin], ...]
    """(key, what), in the order of the object."""
    keeps: tuple[str, ...] = ()
    """Columns of the Ask returned beside the document (of a join's document: none)."""


DOCUMENT = "\0document"
"""The column that holds the objects' texts; no column of a source has a NUL in its name."""


def rows_column(path: Sequence[str]) -> str:
    """The column that counts, per row, the rows written of a join; `path`: the joins' names."""
    return f"\0rows {'/'.join(path)}"


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """What the planner wants from one table; names are source columns."""

    table: str
    columns: tuple[Column, ...]
    """Columns to return (for an aggregate: empty)."""
    known: tuple[Column, ...] = ()
    """Further columns that predicates, order, keys or joins name; not returned."""
    key_columns: tuple[str, ...] = ()
    """Filled per batch from `Call.keys` at run time; () = a scan. Key columns are returned only
    if they are among `columns`."""
    must: Predicate | None = None
    """Row filter from policy: never dropped, never relaxed."""
    wish: Predicate | None = None
    """The caller's filter."""
    order: tuple[OrderBy, ...] = ()
    """Of all rows; with `key_columns`, of the rows of each key (keys may come mixed)."""
    limit: int | Param | None = None
    """Rows; per key when `key_columns` is set. With `aggregate`: groups, the first in their
    order; never with both."""
    aggregate: Aggregate | None = None
    joins: tuple[Join, ...] = ()
    document: Document | None = None
    """Instead of `columns` and nested rows: one text per row (column `DOCUMENT`), the columns that
    the document keeps, and a count per join (`rows_column`). Whatever makes a fetch of the columns
    fail (a value that is not of its kind) makes it fail too. Asked only of a connector that
    claims `documents`, and taken only with everything else."""

    def column(self, name: str) -> Column:
        """The column with this name; raises ``KeyError``."""
        for column in (*self.columns, *self.known):
            if column.name == name:
                return column
        raise KeyError(name)


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """What the connector takes on.

    `residual` is what the hub still has to do on the fetched batch, as an Ask without `table`
    meaning: its `must`/`wish` are still to be applied, `order` still to be ordered, `limit`
    still to be cut, `aggregate` still to be computed (the batch then holds rows), `joins` not
    taken, `document` still to be written. `None` = all accepted. When there is a residual, the
    batch holds every column that the residual names (for a digest: it, or what it is made of),
    beside those asked; `key_columns` are always carried out by the connector.
    """

    handle: Any
    """Connector-private, immutable, reusable, holds no value of a request; ``repr()`` is the
    golden-file text (for SQL: the statement)."""
    residual: Ask | None = None
    estimate_rows: int | None = None


class Asker(msgspec.Struct, frozen=True, kw_only=True):
    """For whom a call is made, and why; all of it verified by the hub that makes the call."""

    subject: Subject
    purpose: str | None = None
    case_id: str | None = None
    trace: str = ""
    """32 hexadecimal digits (W3C trace context), the same in every hub that has a part in it."""
    hubs: tuple[str, ...] = ()
    """The hubs that the question has passed, the one that calls last."""

    def __repr__(self) -> str:
        return "Asker()"


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One run of a handle."""

    keys: Sequence[tuple[Any, ...]] = ()
    """At most `max_keys`, no duplicates, no null parts; canonical values."""
    params: Mapping[str, Any] = {}
    deadline: float = float("inf")
    """`time.monotonic()` seconds."""
    operation_id: str = ""
    caller: str = ""
    """Who asks, only to keep apart what a connector keeps; empty: nobody that anything may be
    kept for."""
    asker: Asker | None = None
    """Only for a connector that claims `speaks_for`."""


class Nested(msgspec.Struct, frozen=True):
    """Child rows of an accepted join: the children of parent row ``i`` are the child rows
    ``offsets[i]`` up to, not including, ``offsets[i + 1]``. ``len(offsets) == parents + 1``."""

    batch: Batch
    offsets: Sequence[int]


class Batch(msgspec.Struct, frozen=True):
    """Columns of equal length, canonical values (`schema.model.scalar`)."""

    columns: Mapping[str, Sequence[Any]]
    rows: int
    as_of: float = 0.0
    """Unix seconds at which the source vouches for the rows; 0 = when fetched."""
    nested: Mapping[str, Nested] = {}


class ShapeColumn(msgspec.Struct, frozen=True, kw_only=True):
    """A column that introspection found."""

    name: str
    kind: ScalarKind
    nullable: bool = True
    native: str = ""
    """The source's own type name."""
    comment: str | None = None
    elsewhere: bool = False
    """Another source has it; only references name it."""
    authoritative: bool | None = None
    """Set where the source itself says that it is the one to ask."""
    label: Label | None = None
    """Set where the source itself knows how sensitive the values are."""
    share: Share | None = None
    conditions: tuple[str, ...] = ()
    legal_basis: tuple[str, ...] = ()
    owner: str | None = None
    """The department that answers for the column there."""
    about: Mapping[str, str] = {}
    title: Mapping[str, str] = {}


class ForeignKey(msgspec.Struct, frozen=True, kw_only=True):
    """A reference from this table's columns to another table's."""

    columns: tuple[str, ...]
    to_table: str
    to_columns: tuple[str, ...]
    name: str | None = None
    """What the source calls the reference, where it has a name of its own."""


class ShapeTable(msgspec.Struct, frozen=True, kw_only=True):
    """A table that introspection found."""

    name: str
    columns: tuple[ShapeColumn, ...]
    keys: tuple[tuple[str, ...], ...] = ()
    """Primary key first, then unique keys whose columns are not null."""
    foreign_keys: tuple[ForeignKey, ...] = ()
    comment: str | None = None
    rows: int | None = None
    detail: Mapping[str, Any] = {}
    """What the fragment's `tables.<name>` has to say so that the connector finds it again."""
    extends: bool = False
    """Adds to a type that another source declares."""
    elsewhere: bool = False
    """Another source has it; only references lead to it."""
    called: tuple[str, ...] = ()
    """What else the source calls it: paths, operations."""
    roots: tuple[str, str] | None = None
    """(singular, plural) that the source's own callers know it by."""


class SourceShape(msgspec.Struct, frozen=True, kw_only=True):
    """What introspection found in a source."""

    tables: tuple[ShapeTable, ...]
    connect: Mapping[str, Any] = {}
    """What the fragment's `connect` may say beside the place that was drafted from."""


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a source answers; `code` from the error table, never the source's text."""

    ok: bool
    code: str | None = None
    ms: float = 0.0
    as_of: float = 0.0
    """Unix seconds of the source's oldest data; 0 = it does not say."""


class Connector(Protocol):
    """Reaches one source. `open` before anything but `capabilities`; `offer` after `open`."""

    name: SourceName
    capabilities: Capabilities

    async def open(self) -> None: ...

    async def discover(self) -> SourceShape: ...

    def offer(self, ask: Ask) -> Offer:
        """Plan time: pure, no I/O, deterministic."""
        ...

    def fetch(self, handle: Any, call: Call) -> AsyncIterator[Batch]:
        """Request time. A connector may also have ``async def fetch_all(handle, call) -> Batch``
        (one batch, no iterator), which the executor prefers. Raises `SourceError` only."""
        ...

    async def probe(self) -> Health: ...

    async def close(self) -> None: ...
