"""Terms as the policy language reads them: a grant's text, what is wrong, what is narrower."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import msgspec
import orjson

from hub.loading import Loaded
from hub.sharing.request import Request, Terms
from policies.check import check, check_grants
from policies.condition import TRUE, All, Condition
from policies.grant import Grant, grant_bundles
from policies.grant_syntax import read_grants
from policies.meet import meet
from policies.ruling import Allow, Masked
from schema.errors import HubError, ManyErrors
from schema.model.entity import Field
from schema.model.names import split_coordinate

_PATH = "request"


def grant_text(ident: str, request: Request, terms: Terms) -> str:
    """The grant that these terms are, as a file would have it: YAML, of which JSON is a part."""
    duties = list(terms.obligations)
    if request.no_onward_transfer and "no_onward_transfer" not in duties:
        duties.append("no_onward_transfer")
    found: dict[str, Any] = {
        "grant": ident,
        "grantee": {"app": request.app, "department": request.department},
        "purpose": terms.purpose,
        "fields": terms.fields,
        "modes": terms.modes,
        "from": terms.since,
        "expires": terms.expires,
        "zone": terms.zone,
    }
    if terms.rows is not None:
        found["rows"] = terms.rows
    if duties:
        found["obligations"] = duties
    return orjson.dumps(found, option=orjson.OPT_INDENT_2).decode()


def read_grant(text: str, loaded: Loaded, path: str = _PATH) -> Grant:
    """The grant of a text, checked over the catalogue and packs in force.

    Raises: `ManyErrors` POLICY_INVALID.
    """
    grants = read_grants(text, path)
    check_grants(grants, loaded.packs)
    for bundle in grant_bundles(grants):
        check(bundle, loaded.catalogue, loaded.packs)
    return grants[0]


def grant_of(ident: str, request: Request, terms: Terms, loaded: Loaded) -> Grant:
    """The same, of terms. Raises: `HubError` SHARE_INVALID, with every problem."""
    try:
        return read_grant(grant_text(ident, request, terms), loaded)
    except ManyErrors as error:
        raise ManyErrors("SHARE_INVALID", [_told(one) for one in error.problems]) from error
    except (TypeError, orjson.JSONEncodeError) as error:
        raise HubError("SHARE_INVALID", "the terms are not plain values", cause=error) from error


def _told(error: HubError) -> HubError:
    # the text was made from the terms: a line of it tells nobody anything
    return HubError("SHARE_INVALID", error.message, hint=error.hint)


def fields_of(request: Request, loaded: Loaded) -> Mapping[str, Field]:
    """The fields that are asked for. What is hidden is answered as what there is not.

    Raises: `HubError` SHARE_INVALID.
    """
    found: dict[str, Field] = {}
    for name in request.terms.fields:
        type_name, field_name = split_coordinate(name)
        entity = loaded.catalogue.types.get(type_name)
        field = None if entity is None or field_name is None else entity.fields.get(field_name)
        shown = field is not None and (
            field.metadata == "public" or str(field.owner) == request.department
        )
        if field is None or not shown:
            hint = "look for it with `hub share search`"
            raise HubError("SHARE_INVALID", f"there is no field `{name[:200]}`", hint=hint)
        found[name] = field
    return found


def check_days(terms: Terms, now: float, most: int) -> None:
    """That the period is one, is not over and not longer than allowed. Units: `most` in days.

    Raises: `HubError` SHARE_INVALID.
    """
    try:
        since, until = (dt.date.fromisoformat(day) for day in (terms.since, terms.expires))
    except (TypeError, ValueError) as error:
        hint = "write days as 2026-12-31"
        raise HubError("SHARE_INVALID", "the period is not two days", hint=hint) from error
    today = dt.datetime.fromtimestamp(now, dt.UTC).date()
    if until < since or until < today - dt.timedelta(days=1):
        raise HubError("SHARE_INVALID", "the period is over, or ends before it begins")
    if (until - max(since, today)).days > most:
        hint = f"shares last at most {most} days; renew them in time"
        raise HubError("SHARE_INVALID", "the period is too long", hint=hint)


def part_of(terms: Terms, fields: list[str]) -> Terms:
    """The terms with some of the fields."""
    kept = {name: outcome for name, outcome in terms.fields.items() if name in fields}
    return msgspec.structs.replace(terms, fields=kept)


def check_narrower(wanted: Grant, given: Grant) -> None:
    """An answer gives what was asked for, or less of it. Raises: `HubError` SHARE_INVALID."""
    wider = [
        name
        for name, outcome in given.fields.items()
        if name not in wanted.fields or not _less(wanted.fields[name], outcome)
    ]
    if wider:
        raise _wider(f"`{wider[0]}`")
    if not given.modes <= wanted.modes:
        raise _wider("modes")
    ours, theirs = wanted.live, given.live
    if theirs.since < ours.since or theirs.until > ours.until:
        raise _wider("the period")
    same = set(theirs.purposes) <= set(ours.purposes) and theirs.below <= ours.below
    if not same:
        raise _wider("the purpose")
    if not _parts(wanted.rows) <= _parts(given.rows):
        raise _wider("rows")
    if not set(wanted.obligations) <= set(given.obligations):
        raise _wider("obligations")


def _less(wanted: object, given: object) -> bool:
    if not isinstance(wanted, Allow | Masked) or not isinstance(given, Allow | Masked):
        return False
    return meet(wanted, given) == given


def _parts(condition: Condition) -> frozenset[Condition]:
    """The parts that must all hold; none for a condition that always does."""
    if condition == TRUE:
        return frozenset()
    if isinstance(condition, All):
        return frozenset(part for one in condition.parts for part in _parts(one))
    return frozenset((condition,))


def _wider(what: str) -> HubError:
    hint = "give what was asked for, or less: let the requester ask for more"
    return HubError("SHARE_INVALID", f"the answer gives more than was asked for: {what}", hint=hint)
