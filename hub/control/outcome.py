"""What becomes of a step, whatever it is about: it was refused, or somebody else was first."""

from __future__ import annotations

import datetime as dt

import strawberry

from schema.errors import HubError, ManyErrors


@strawberry.type(description="One of several problems.")
class Problem:
    """As it would stand alone."""

    code: str
    message: str
    where: str | None
    hint: str | None


@strawberry.type(description="A step was refused, and nothing was changed.")
class StepRefused:
    """Why."""

    code: str
    message: str
    hint: str | None
    retryable: bool
    problems: list[Problem]


@strawberry.type(description="Somebody else was first; nothing was changed.")
class EditConflict:
    """Who, and what they changed."""

    code: str
    message: str
    hint: str | None
    revision: int = strawberry.field(description="The one that is there now.")
    by: str
    at: dt.datetime
    act: str
    difference: str = strawberry.field(
        description="From the text that the step was based on to the one that is there, unified."
    )


@strawberry.type(description="Somebody else was first; nothing was changed. Look at it anew.")
class StepConflict:
    """Where there is no text to compare."""

    code: str
    message: str
    hint: str | None


def moment(seconds: float) -> dt.datetime:
    """Unix seconds as a moment in UTC."""
    return dt.datetime.fromtimestamp(seconds, dt.UTC)


def refusal(error: HubError) -> StepRefused:
    """A refusal as it is shown."""
    problems = error.problems if isinstance(error, ManyErrors) else ()
    return StepRefused(
        code=error.code,
        message=error.message,
        hint=error.hint,
        retryable=error.info.retryable,
        problems=[
            Problem(code=one.code, message=one.message, where=one.where, hint=one.hint)
            for one in problems
        ],
    )


def conflict(error: HubError) -> StepConflict:
    """Somebody else was first, as it is shown."""
    return StepConflict(code=error.code, message=error.message, hint=error.hint)
