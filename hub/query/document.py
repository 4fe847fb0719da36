"""Pass-through: whether a node's rows can be written by their source, and as what."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from connectors.spi import Constant, Document, FromColumn, FromJoin
from hub.query.steps import Link, Node
from policies.ruling import Allow, FieldError, Null
from schema.model.names import TypeName
from schema.model.predicate import Param

Allowed = Callable[[TypeName], bool]
"""Whether the fragment of a type's anchor lets the source build answers."""
Entries = tuple[tuple[str, Constant | FromColumn | FromJoin], ...]


def document_of(node: Node, allowed: Allowed, keeps: Sequence[str]) -> Document | None:
    """The document of a node; ``None`` where its rows have to be written by the hub.

    The hub writes what it masks, seals (opaque ids), joins from elsewhere or counts, and rows
    that the answer shows in more than one selection. `keeps`: columns that paging and joining
    read beside.
    """
    entries = _entries(node, allowed)
    return None if entries is None else Document(entries=entries, keeps=tuple(keeps))


def _entries(node: Node, allowed: Allowed) -> Entries | None:
    apart = node.key or node.extends or node.contests
    if not allowed(node.type) or apart or len(node.writers) != 1:
        return None
    if node.persons:
        return None  # whose rows they are is counted
    entries: list[tuple[str, Constant | FromColumn | FromJoin]] = []
    for slot in node.writers[0].slots:
        entry: Constant | FromColumn | FromJoin | None = None
        match slot.what:
            case "const":
                entry = Constant(slot.value)
            case "output":
                output = node.outputs[slot.index]
                if output.check is not None:
                    return None  # what the norm does not know is counted
                if isinstance(output.outcome, Allow):
                    entry = FromColumn(output.column)
                elif isinstance(output.outcome, Null | FieldError):
                    entry = Constant(None)
            case "link":
                entry = _joined(node.links[slot.index], allowed)
            case "id":
                entry = None
        if entry is None:
            # fails closed: a mask is carried out by the hub, which then has to see the rows
            return None
        entries.append((slot.key, entry))
    return tuple(entries)


def _joined(link: Link, allowed: Allowed) -> FromJoin | None:
    if link.nested is None or link.total is not None:
        return None
    entries = _entries(link.node, allowed)
    if entries is None:
        return None
    inner = Document(entries=entries)
    if link.form == "one":
        return FromJoin(join=link.nested, form="one", document=inner)
    page = link.page
    assert page is not None  # noqa: S101 - invariant: relations to many are paged
    size: int | Param = page.size if isinstance(page.size, Param) else int(page.size.value)
    around = _around(link) if link.form == "connection" else ()
    if around is None:
        return None
    return FromJoin(
        join=link.nested,
        form="list" if link.form == "list" else "object",
        document=inner,
        show=size,
        backward=page.backward,
        around=around,
    )


def _around(link: Link) -> tuple[tuple[str, Constant | None], ...] | None:
    """A connection's object; ``None`` where it holds more than its nodes."""
    if any(part.what not in ("nodes", "const") for part in link.parts):
        return None
    if all(part.what == "const" for part in link.parts):
        return None
    return tuple(
        (part.key, None if part.what == "nodes" else Constant(part.value)) for part in link.parts
    )
