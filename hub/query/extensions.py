"""All that an answer says in its extensions: governance, emergencies, and what was asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from hub.query.disputed import Disputes, disputed
from hub.query.envelope import governance, with_wishes
from hub.query.prepared import Prepared, Runnable
from hub.query.record import Told
from hub.query.request import Request
from hub.query.run import Run
from hub.query.wished import wished
from schema.model.catalogue import Catalogue


async def extensions_of(
    prepared: Prepared,
    runnable: Runnable,
    run: Run,
    request: Request,
    told: Told,
    *,
    catalogue: Catalogue,
    marks: Sequence[Mapping[str, Any]],
    now: float,
    disputes: Disputes | None,
    data: Any,
) -> msgspec.Raw | None:
    """``None`` for none. `marks`: of what was opened in an emergency."""
    extensions = runnable.extensions
    label = told.label
    if label is not None and (prepared.duties is not None or label is not prepared.label):
        duties, ident = prepared.duties, told.operation_id
        obliged = None if duties is None else duties.extension(request.subject, ident)
        extensions = governance(runnable.runner.plan.notices, obliged, label.told)
    more: dict[str, Any] = {}
    if marks:
        more["emergency"] = marks
    if request.wants:
        operation, ruling = prepared.operation, prepared.ruling
        more |= wished(request.wants, run, operation.uses, ruling, catalogue, now)
        if "disputed" in request.wants:
            more["disputed"] = await disputed(data, operation, ruling, catalogue, disputes)
    return with_wishes(extensions, more) if more or request.wants else extensions
