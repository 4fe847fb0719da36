"""Optimising a plan: equal keyed fetches are found, so that their keys are loaded together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hub.query.steps import Fetch, Link, ListPlan, LookupPlan, Node, NodePlan, RootPlan


def find_twins(roots: Sequence[RootPlan]) -> dict[int, int]:
    """Fetch id -> id of the first equal one, only for fetches that have an equal.

    Cost: quadratic in the number of relation fetches of one source and table; plans are small.
    """
    first: dict[tuple[str, str], list[Fetch]] = {}
    twins: dict[int, int] = {}
    for fetch in _keyed(roots):
        known = first.setdefault((fetch.source, fetch.ask.table), [])
        for other in known:
            if other.ask == fetch.ask:
                twins[fetch.id] = twins[other.id] = other.id
                break
        else:
            known.append(fetch)
    return twins


def _keyed(roots: Sequence[RootPlan]) -> Iterator[Fetch]:
    for root in roots:
        match root:
            case ListPlan() | LookupPlan():
                yield from _below(root.node)
            case NodePlan():
                for branch in root.branches:
                    yield from _below(branch.node)
            case _:
                continue


def _below(node: Node) -> Iterator[Fetch]:
    for extend in node.extends:
        yield extend.fetch
    for link in node.links:
        if _shareable(link) and link.fetch is not None:
            yield link.fetch
        yield from _below(link.node)


def _shareable(link: Link) -> bool:
    fetch = link.fetch
    return (
        fetch is not None
        and link.form == "one"
        and not fetch.semijoins
        and not fetch.empty
        and not fetch.ask.joins
    )
