"""Steps and plans: frozen data that says what to fetch, mask, join and write.

Column addresses: the columns of a node's own fetch go by their source name; columns that an
`Extend` adds from another source go by ``source/column``. The order of work on every node is
fixed: fetch, row filter (the residual of `must` included), extend, mask, then anything else;
only `Link.on`, `Extend.on` and `Output.cell` read unmasked columns.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from connectors.kit.norm import Normed
from connectors.spi import Ask, Document
from policies.masks.keyed import KeyScope
from policies.ruling import Allow, FieldError, Masked, Null, Rowwise
from schema.model.names import Coordinate, DepartmentName, FieldName, SourceName, TypeName
from schema.model.norm import CodeList
from schema.model.predicate import Operand
from schema.model.scalar import ScalarKind

CellOutcome = Allow | Masked | Null | FieldError | Rowwise


class Fetch(msgspec.Struct, frozen=True, kw_only=True):
    """One batched call of a source."""

    id: int
    source: SourceName
    department: DepartmentName
    type: TypeName
    ask: Ask
    handle: Any
    residual: Ask | None = None
    norm: Normed | None = None
    """Set: what the source was asked instead, since the hub converts values."""
    left: Ask | None = None
    """What is done with the rows after they are converted."""
    max_keys: int = 1
    semijoins: tuple[SemiJoin, ...] = ()
    """Key sets that must be known before this fetch runs."""
    down: bool = False
    """The source was not connected when this was planned: every call fails."""
    empty: bool = False
    """Policy leaves no row: the source is not called."""


class SemiJoin(msgspec.Struct, frozen=True, kw_only=True):
    """A key set fetched first: distinct tuples of `columns` become the value of `param`."""

    param: str
    columns: tuple[str, ...]
    fetch: Fetch


class Output(msgspec.Struct, frozen=True, kw_only=True):
    """One field's column as the caller may see it: the Mask step."""

    field: FieldName
    column: str
    kind: ScalarKind
    outcome: CellOutcome
    coordinate: Coordinate | None = None
    """What codes are bound to; only where a mask is keyed."""
    cell: tuple[str, ...] = ()
    """Addresses of the entity's key; only where a mask goes by the cell."""
    check: Check | None = None
    """Set where values may be outside a norm."""


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """What is looked for in a column that the norm of its field does not know."""

    coordinate: Coordinate
    source: SourceName
    department: DepartmentName
    codes: CodeList | None = None
    divided: tuple[str, ...] = ()
    unread: str | None = None
    """Address of what tells which values of the source have no counterpart."""
    paths: tuple[tuple[str, ...], ...] = ()
    """Where the field stands in the answer."""


class Shared(msgspec.Struct, frozen=True, kw_only=True):
    """By how many persons each masked value is to be shared for what rules declare of its label."""

    output: int
    k: int
    persons: tuple[int, ...] | None
    """Outputs that tell the persons apart, as they are shown; () = each row is another person;
    ``None`` = nothing that is shown does."""


class Extend(msgspec.Struct, frozen=True, kw_only=True):
    """Columns of the same entity from another source, joined one to one by key."""

    fetch: Fetch
    on: tuple[tuple[str, str], ...]
    """(address in the node, column of the fetch)."""
    columns: tuple[tuple[str, str], ...]
    """(column of the fetch, address in the node)."""
    paths: tuple[tuple[str, ...], ...]
    """Where its fields stand in the answer: what is null when its source fails."""


class Contested(msgspec.Struct, frozen=True, kw_only=True):
    """One field of which another source has a value too."""

    field: FieldName
    coordinate: Coordinate
    kind: ScalarKind
    ours: str
    """Address of the authoritative source's value."""
    theirs: str
    """Column of the other source's fetch."""
    latest: bool
    """Whether the value of the row changed last is given; else the authoritative source's."""
    shown: bool
    """Whether the caller reads the field as it is."""
    paths: tuple[tuple[str, ...], ...]


class Contest(msgspec.Struct, frozen=True, kw_only=True):
    """The same entities looked up in another source, and what is compared."""

    fetch: Fetch
    on: tuple[tuple[str, str], ...]
    """(address in the node, column of the fetch)."""
    fields: tuple[Contested, ...]
    source: SourceName
    """The authoritative one."""
    department: DepartmentName
    changed: str | None = None
    """Column of the fetch: when its rows were changed last."""
    since: Fetch | None = None
    """When the authoritative source's rows were changed last, by the same key."""
    since_on: tuple[str, ...] = ()
    since_column: str | None = None


class Slot(msgspec.Struct, frozen=True):
    """One entry of an object in the answer, in response order."""

    key: str
    what: Literal["output", "link", "const", "id"]
    index: int = 0
    value: str | None = None


class Writer(msgspec.Struct, frozen=True):
    """How one selection of a node's rows becomes objects."""

    slots: tuple[Slot, ...]


class OrderColumn(msgspec.Struct, frozen=True):
    """A column of the total order of a connection; `blind`: a digest of the key, never null."""

    column: str
    kind: ScalarKind
    descending: bool
    blind: bool = False


class PagePlan(msgspec.Struct, frozen=True, kw_only=True):
    """How a connection is cut into pages."""

    size: Operand
    size_param: str
    """Param that holds the size plus one (to know whether there is more)."""
    backward: bool
    after: bool
    before: bool
    order: tuple[OrderColumn, ...]
    signature: str
    """What cursors of this connection are bound to, beside their subject."""


class ConnPart(msgspec.Struct, frozen=True, kw_only=True):
    """One thing written in a connection object."""

    key: str
    what: Literal["nodes", "edges", "pageInfo", "total", "const"]
    writer: int = 0
    value: str | None = None
    edge: tuple[tuple[str, str, int], ...] = ()
    """For edges: (key, node | cursor | const, writer index); a const writes `value`."""
    info: tuple[tuple[str, str], ...] = ()


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """A relation: child rows joined to parent rows by key."""

    name: FieldName
    on: tuple[tuple[str, str], ...]
    """(address in the parent, column of the child)."""
    form: Literal["one", "list", "connection"]
    node: Node
    fetch: Fetch | None = None
    """None: the child rows come nested in the parent's batch under `nested`."""
    nested: str | None = None
    page: PagePlan | None = None
    parts: tuple[ConnPart, ...] = ()
    total: Fetch | None = None
    path: tuple[str, ...] = ()


class Node(msgspec.Struct, frozen=True, kw_only=True):
    """Rows of one entity type somewhere in the answer."""

    type: TypeName
    source: SourceName
    key: tuple[tuple[str, ScalarKind], ...]
    """Addresses of the primary key; filled only where node ids are written."""
    outputs: tuple[Output, ...] = ()
    shared: tuple[Shared, ...] = ()
    extends: tuple[Extend, ...] = ()
    contests: tuple[Contest, ...] = ()
    links: tuple[Link, ...] = ()
    writers: tuple[Writer, ...] = ()
    persons: tuple[str, ...] = ()
    """Addresses of what names a row's person; filled only where a quota counts persons."""
    document: Document | None = None
    """Pass-through: the source writes the rows; outputs, links and the writer tell what."""


class ListPlan(msgspec.Struct, frozen=True, kw_only=True):
    """A root connection."""

    key: str
    fetch: Fetch | None
    """None when only the total is asked."""
    node: Node
    page: PagePlan
    parts: tuple[ConnPart, ...]
    total: Fetch | None
    figure: AggregatePlan | None = None
    """Instead of `total`: a count that policy lets out only over enough persons."""


class LookupPlan(msgspec.Struct, frozen=True, kw_only=True):
    """A root look-up by key."""

    key: str
    fetch: Fetch
    node: Node
    by: tuple[tuple[Operand, ScalarKind], ...]


class NodePlan(msgspec.Struct, frozen=True, kw_only=True):
    """``node(id:)``: the branch whose type the id names is run."""

    key: str
    id: Operand
    branches: tuple[LookupPlan, ...]


class MeasureColumn(msgspec.Struct, frozen=True, kw_only=True):
    """Where an aggregate value comes from: result columns of the aggregate fetch."""

    key: str
    what: Literal["column", "avg", "const", "output"]
    column: str = ""
    count_column: str = ""
    value: str | None = None


class AggregateBox(msgspec.Struct, frozen=True, kw_only=True):
    """``sum { ... }`` and the like; `count` stands alone in `single`."""

    key: str
    single: MeasureColumn | None = None
    columns: tuple[MeasureColumn, ...] = ()


class Guard(msgspec.Struct, frozen=True, kw_only=True):
    """What leaves of an aggregate under `AggregateOnly`; names are result columns of its fetch."""

    k: int
    round_to: int
    rows: str
    """Counts the rows of a group."""
    persons: tuple[str, ...]
    """Count distinct values of the fields that tell persons apart; () = each row is a person."""
    adds: bool
    """A person has one row: persons of several groups may be added up."""
    groups: tuple[tuple[str, ScalarKind], ...]
    """The columns grouped by, in an order that does not depend on the operation's."""
    over: tuple[tuple[str, str | None], ...]
    """For each measure that is written, what counts the rows with a value of its field."""
    rounded: frozenset[str]
    outside: Fetch | None
    """The same over the rows that the caller's filter leaves out; ``None`` without a filter."""


class AggregatePlan(msgspec.Struct, frozen=True, kw_only=True):
    """A root aggregate."""

    key: str
    type: TypeName
    fetch: Fetch
    boxes: tuple[AggregateBox, ...]
    guard: Guard | None = None
    persons: int = 0
    """How many persons one group may show, where a quota counts persons."""


class CallerPlan(msgspec.Struct, frozen=True):
    """``caller``."""

    key: str
    picks: tuple[tuple[str, str], ...]


class ConstPlan(msgspec.Struct, frozen=True):
    """``__typename`` at the root."""

    key: str
    value: str


RootPlan = ListPlan | LookupPlan | NodePlan | AggregatePlan | CallerPlan | ConstPlan


class Notice(msgspec.Struct, frozen=True):
    """A field that is not simply allowed: what ``extensions.governance`` says of it."""

    path: tuple[str, ...]
    outcome: str
    mask: str | None
    code: str | None
    rules: tuple[str, ...]
    k: int | None = None
    """Of a figure: over how many persons it is at least."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """Everything an operation does, for one catalogue version and policy class."""

    operation: str
    catalogue: str
    policy_class: str
    roots: tuple[RootPlan, ...]
    notices: tuple[Notice, ...]
    sizes: tuple[tuple[str, Operand], ...] = ()
    """(param, page size): the param holds the size plus one."""
    blinds: tuple[TypeName, ...] = ()
    """Types ordered by a digest of their key: its salt is the subject's, bound when run."""
    scopes: tuple[KeyScope, ...] = ()
    """Scopes that masks have keys for: their values are the request's, bound when run."""
    twins: Mapping[int, int] = {}
    """Keyed fetches that are equal (id -> id of the first): their keys are loaded together."""
