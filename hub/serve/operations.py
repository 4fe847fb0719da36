"""What kind of operation a document holds, as far as a door must know it: GET is for queries."""

from __future__ import annotations

from functools import lru_cache

from graphql import GraphQLSyntaxError, OperationDefinitionNode, OperationType, parse

_MAX_TOKENS = 10_000


def writes_or_streams(text: str, operation_name: str | None) -> bool:
    """Whether the operation that would run is a mutation or a subscription.

    A document that does not parse is left to the query path, which says so.
    """
    if "mutation" not in text and "subscription" not in text:
        return False
    return _other_than_query(text, operation_name)


@lru_cache(maxsize=256)
def _other_than_query(text: str, operation_name: str | None) -> bool:
    try:
        document = parse(text, no_location=True, max_tokens=_MAX_TOKENS)
    except (GraphQLSyntaxError, RecursionError):
        return False
    operations = [d for d in document.definitions if isinstance(d, OperationDefinitionNode)]
    if operation_name is not None:
        operations = [o for o in operations if o.name and o.name.value == operation_name]
    return any(o.operation is not OperationType.QUERY for o in operations)
