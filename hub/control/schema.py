"""The control API, code first: what staff with duties ask and do at `/control/graphql`."""

from __future__ import annotations

from inspect import isawaitable
from typing import Any

import strawberry
from graphql import GraphQLResolveInfo
from strawberry.extensions import (
    MaxAliasesLimiter,
    MaxTokensLimiter,
    QueryDepthLimiter,
    SchemaExtension,
)
from strawberry.printer import print_schema
from strawberry.types import ExecutionContext

from hub.control.changes import Subscription
from hub.control.corrections import CorrectionMutation, CorrectionQuery
from hub.control.emergency import EmergencyMutation, EmergencyQuery
from hub.control.outcome import EditConflict, StepConflict, StepRefused
from hub.control.rules import RulesMutation, RulesQuery
from hub.control.scorecards import ScorecardsQuery
from hub.control.sharing import SharingMutation, SharingQuery
from hub.control.sources import SourceMutation, SourceQuery
from hub.control.warnings import WarningsMutation, WarningsQuery


@strawberry.type(description="Questions. Everybody is shown what their duties let them see.")
class Query(
    SourceQuery,
    RulesQuery,
    CorrectionQuery,
    EmergencyQuery,
    SharingQuery,
    WarningsQuery,
    ScorecardsQuery,
):
    """All areas together."""


@strawberry.type(description="Steps. Each states the revision it is based on; all are on record.")
class Mutation(
    SourceMutation,
    RulesMutation,
    CorrectionMutation,
    EmergencyMutation,
    SharingMutation,
    WarningsMutation,
):
    """All areas together."""


class _Steps(SchemaExtension):
    """Notes whether a step was taken: only what was refused may be asked again under its key."""

    async def resolve(
        self, _next: Any, root: Any, info: GraphQLResolveInfo[Any], *args: str, **kwargs: Any
    ) -> Any:
        """Of steps only; what a step raises leaves open whether it was taken."""
        if info.parent_type.name != "Mutation":
            found = _next(root, info, *args, **kwargs)
            return await found if isawaitable(found) else found
        before, info.context.taken = info.context.taken, True
        found = _next(root, info, *args, **kwargs)
        found = await found if isawaitable(found) else found
        if isinstance(found, StepRefused | StepConflict | EditConflict):
            info.context.taken = before
        return found


class _Schema(strawberry.Schema):
    """Tells nobody of errors by itself: the door does."""

    def process_errors(
        self,
        errors: list[object],  # type: ignore[override]  # what graphql-core raises
        execution_context: ExecutionContext | None = None,
    ) -> None:
        """Nothing: a library's log would hold what was asked."""


def control_schema() -> strawberry.Schema:
    """The schema; one for a worker."""
    return _Schema(
        query=Query,
        mutation=Mutation,
        subscription=Subscription,
        extensions=[
            lambda: MaxTokensLimiter(max_token_count=2_000),
            lambda: MaxAliasesLimiter(max_alias_count=10),
            lambda: QueryDepthLimiter(max_depth=12),
            _Steps,
        ],
    )


def control_sdl() -> str:
    """As it is committed: `python -m hub.control.schema`."""
    return print_schema(control_schema()) + "\n"


if __name__ == "__main__":
    import sys

    sys.stdout.write(control_sdl())
