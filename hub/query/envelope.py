"""How an answer is written: error objects, refusals, governance notes, audited outcomes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import msgspec
import orjson

from hub.query.steps import Notice
from policies.ruling import Allow, Masked, Reject, Ruling
from schema.errors import HubError
from schema.model.use import FieldUse

AnswerKind = Literal["data", "partial", "request_error"]


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """A whole GraphQL response as JSON. `request_error`: there is no ``data`` key."""

    body: bytes
    kind: AnswerKind
    code: str | None
    """The first error's code."""
    operation_id: str


def error_entry(error: HubError, path: Sequence[str] | None = None) -> dict[str, Any]:
    """A GraphQL error object."""
    extensions: dict[str, Any] = {"code": error.code}
    if error.info.retryable:
        extensions["retryable"] = True
    if error.hint:
        extensions["hint"] = error.hint
    entry: dict[str, Any] = {"message": error.message, "extensions": extensions}
    if path is not None:
        entry["path"] = list(path)
    return entry


def refusal(errors: Sequence[Mapping[str, Any]], code: str, operation_id: str) -> Answer:
    return Answer(
        body=orjson.dumps({"errors": errors}),
        kind="request_error",
        code=code,
        operation_id=operation_id,
    )


_REJECTIONS = {
    "PURPOSE_REQUIRED": "a purpose must be stated",
    "PURPOSE_NOT_ALLOWED": "the purpose is not among those allowed",
    "NO_DELEGATION": "the caller may not act for this department",
    "TIME_WINDOW": "not allowed at this time",
    "NETWORK_ZONE": "not allowed from this network zone",
    "STEP_UP_REQUIRED": "a stronger log-in is required",
    "CASE_REQUIRED": "a case must be stated",
    "AGGREGATE_ONLY": "only figures over many rows may be asked for",
    "GRANT_EXPIRED": "the grant that covered this has ended",
}


def refused(code: str) -> HubError:
    """The error of an operation that is refused for what its caller is or states."""
    return HubError(code, _REJECTIONS[code])


def rejection(ruling: Ruling, uses: Sequence[FieldUse]) -> HubError | None:
    """The error of the caller's first forbidden use; raised before any source is called."""
    for use in uses:
        # fails closed: a use without an outcome is refused
        outcome = ruling.outcomes.get(use, Reject())
        if isinstance(outcome, Reject):
            told = _REJECTIONS.get(outcome.code)
            if told is None:
                how = f"{use.mode} {use.function}" if use.function else use.mode
                told = f"`{use.coordinate}` may not be used to {how.replace('_', ' ')}"
            return HubError(outcome.code, told)
    together = ruling.together
    if together is not None and together.refused is not None:
        return combined(together.refused.coordinates, over_time=False)
    return None


def combined(coordinates: Iterable[str], *, over_time: bool) -> HubError:
    """The error of uses that may not go together: it names what the caller asked, no rule, and
    nothing that the caller did not ask."""
    named = ", ".join(f"`{one}`" for one in sorted(set(coordinates)))
    how = "after what was used before" if over_time else "together"
    hint = "ask for fewer of them" if not over_time else "ask for fewer of them, or later"
    return HubError("COMBINATION_FORBIDDEN", f"{named} may not be used {how}", hint=hint)


def audited_fields(ruling: Ruling, uses: Sequence[FieldUse]) -> msgspec.Raw:
    """What became of the caller's own uses; those that the hub implies are not the caller's."""
    rows = []
    for use in uses:
        outcome = ruling.outcomes.get(use, Reject())
        mode = f"{use.mode}:{use.function}" if use.function else use.mode
        told = outcome.mask if isinstance(outcome, Masked) else type(outcome).__name__.lower()
        word = "allow" if isinstance(outcome, Allow) else told
        rows.append([use.coordinate, mode, word, list(ruling.reasons.get(use, ()))])
    return msgspec.Raw(orjson.dumps(rows))


def governance(
    notices: Sequence[Notice],
    obligations: Mapping[str, Any] | None = None,
    label: Mapping[str, Any] | None = None,
) -> msgspec.Raw | None:
    """What an answer says of its fields that are not simply allowed, its obligations and label."""
    told: dict[str, Any] = {}
    if notices:
        told["fields"] = {".".join(notice.path): _noted(notice) for notice in notices}
    if obligations:
        told["obligations"] = obligations
    if label:
        told["label"] = label
    return msgspec.Raw(orjson.dumps({"governance": told})) if told else None


def with_wishes(told: msgspec.Raw | None, more: Mapping[str, Any]) -> msgspec.Raw:
    """The extensions with what the request asked for beside them."""
    held = {} if told is None else orjson.loads(bytes(told))
    return msgspec.Raw(orjson.dumps({**held, **more}))


def _noted(notice: Notice) -> dict[str, Any]:
    told: dict[str, Any] = {"outcome": notice.outcome}
    if notice.mask is not None:
        told["mask"] = notice.mask
    if notice.code is not None:
        told["code"] = notice.code
    if notice.k is not None:
        told["k"] = notice.k
    return told
