"""What documents of approvals have in common: who gets it, for which purpose, how long."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from policies.condition import PurposeWithin
from policies.condition_syntax import read_purpose
from policies.granted import LiveGrant
from policies.positions import Node
from policies.reading import Reader
from policies.window import zone_of


def read_live(
    reader: Reader, found: Mapping[str, Any], what: str, *, name: str, to: str
) -> LiveGrant | None:
    """To whom, for what and how long, of what was read; `name` and `to` are the keys that say
    what it is called and to whom it is given. ``None`` after a problem. Units: Unix seconds."""
    zone = zone_of(found.get("zone", "UTC"))
    since, until = _midnight(found["from"], zone, 0), _midnight(found["expires"], zone, 1)
    if until <= since:
        at = reader.places["expires"]
        reader.wrong(at, f"{what} ends before it begins", "`expires` is its last day")
        return None
    purpose: PurposeWithin = found["purpose"]
    return LiveGrant(
        id=found[name],
        app=found[to].get("app"),
        department=found[to].get("department"),
        purposes=purpose.purposes,
        below=purpose.below,
        since=since,
        until=until,
        revoked=found.get("revoked"),
    )


def _midnight(day: str, zone: dt.tzinfo, ahead: int) -> float:
    date = dt.date.fromisoformat(day) + dt.timedelta(days=ahead)
    return dt.datetime.combine(date, dt.time(), zone).timestamp()


def read_named(reader: Reader, node: Node, what: str) -> Mapping[str, str] | None:
    """An application, a department or both."""
    found: dict[str, str] = reader.keys(node, {"app": Reader.text, "department": Reader.text}, what)
    if found:
        return found
    # fails closed: what is given to nobody in particular would be given to everybody
    reader.wrong(node.at, f"{what} names nobody", "write `{app: ...}`, `{department: ...}` or both")
    return None


def read_one_purpose(reader: Reader, node: Node, what: str) -> PurposeWithin | None:
    """A purpose, several, or all below one."""
    found = read_purpose(reader, node, what)
    return found if isinstance(found, PurposeWithin) else None
