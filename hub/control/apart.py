"""A step in a process of its own: proofs take long, and what serves never loads the solver.

Standard input is a `Work` as JSON, standard output an `Outcome`.
"""

from __future__ import annotations

import asyncio
import sys
import time
from typing import Any

import msgspec

from hub.rollout.step import Outcome, Problem, Work
from schema.errors import HubError, ManyErrors

_MOST_S = 600.0
"""How long one step may take."""


async def take_apart(work: Work) -> Outcome:
    """Take a step in a new process. Raises: `HubError`, as the step does; OVERLOADED if it took too
    long."""
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "hub.control.apart",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        async with asyncio.timeout(_MOST_S):
            told, _ = await child.communicate(msgspec.json.encode(work))
        found = msgspec.json.decode(told, type=Outcome)
    except TimeoutError as error:
        raise HubError("OVERLOADED", "the step took too long", cause=error) from error
    except msgspec.DecodeError as error:
        raise HubError("INTERNAL", "an internal error", cause=error) from error
    finally:
        if child.returncode is None:
            child.kill()  # whoever asked has gone, or it took too long
            await child.wait()
    if found.problems:
        raise _raised(found)
    return found


def taken(work: Work) -> Outcome:
    """Take a step here; problems are told, not raised."""
    from hub.registration.ground import load
    from hub.rollout.desk import open_desk
    from hub.rollout.gate import Gate
    from hub.rollout.proposal import Proposals

    try:
        loaded = load(work.settings, rules=False)
        gate = Gate(loaded, work.settings, seconds=work.seconds, begin=time.time())
        with open_desk(work.settings, asked_by=work.asked_by) as desk:
            return Proposals(desk, gate, work.asked_by).take(work.step)
    except ManyErrors as error:
        return Outcome(code=error.code, problems=tuple(_problem(one) for one in error.problems))
    except HubError as error:
        return Outcome(code=error.code, problems=(_problem(error),))


def _problem(error: HubError) -> Problem:
    return Problem(code=error.code, message=error.message, where=error.where, hint=error.hint)


def _raised(found: Outcome) -> HubError:
    errors: list[Any] = [
        HubError(one.code, one.message, where=one.where, hint=one.hint) for one in found.problems
    ]
    if len(errors) == 1:
        one: HubError = errors[0]
        return one
    return ManyErrors(found.code or "INTERNAL", errors)


if __name__ == "__main__":
    asked = msgspec.json.decode(sys.stdin.buffer.read(), type=Work)
    sys.stdout.buffer.write(msgspec.json.encode(taken(asked)))
