"""Running a plan: every root at once, each guarded, one tree of data."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from connectors.kit.together import together
from connectors.spi import Batch
from hub.query.combine import head, reverse
from hub.query.emit import Page, page_flags, write_connection, write_group
from hub.query.keys import scope_param
from hub.query.route import salt_param
from hub.query.rows import cursor_writer, node_runner
from hub.query.run import Run, World, partial
from hub.query.steps import (
    AggregatePlan,
    CallerPlan,
    ConstPlan,
    Fetch,
    ListPlan,
    LookupPlan,
    NodePlan,
    Plan,
    RootPlan,
)
from hub.query.suppress import rows_of, shown_rows
from schema.errors import HubError
from schema.model.predicate import Const
from schema.model.scalar import canonical


class PlanRunner:
    """A plan compiled: run it as often as its policy class asks."""

    def __init__(self, plan: Plan, world: World) -> None:
        self.plan = plan
        self.world = world
        self._roots = [_root_runner(root, world) for root in plan.roots]

    async def run(self, run: Run) -> dict[str, Any]:
        """The tree of ``data``; partial failures are in ``run.errors``."""
        for param, operand in self.plan.sizes:
            run.params[param] = run.size(operand) + 1
        for name in self.plan.blinds:
            run.params[salt_param(name)] = run.world.seal.blind(run.subject.id, name)
        for scope in self.plan.scopes:
            run.params[scope_param(scope)] = run.scope_value(scope)
        values = await together([root(run) for root in self._roots])
        keys = (root.key for root in self.plan.roots)
        return dict(zip(keys, values, strict=True))


RunRoot = Callable[[Run], Coroutine[Any, Any, Any]]


def _root_runner(root: RootPlan, world: World) -> RunRoot:
    match root:
        case ListPlan():
            counted = root.total if root.figure is None else root.figure.fetch
            return _guarded(root.key, _list_runner(root, world), root.fetch or counted)
        case LookupPlan():
            return _guarded(root.key, _lookup_runner(root, world), root.fetch)
        case NodePlan():
            return _guarded(root.key, _node_runner(root, world), None)
        case AggregatePlan():
            return _guarded(root.key, _aggregate_runner(root), root.fetch)
        case CallerPlan():
            return _caller_runner(root)
        case ConstPlan():
            return _const_runner(root)


def _guarded(key: str, inner: RunRoot, fetch: Fetch | None) -> RunRoot:
    department = fetch.department if fetch is not None else None

    async def run_root(run: Run) -> Any:
        try:
            return await inner(run)
        except HubError as error:
            partial(error)
            run.failed(error, (key,), department)
            return None

    return run_root


def _list_runner(root: ListPlan, world: World) -> RunRoot:
    node = node_runner(root.node, world)
    figure = None if root.figure is None else _aggregate_runner(root.figure)

    async def total(run: Run) -> int | None:
        if figure is not None:
            count: int | None = (await figure(run))[0][root.key]
            return count
        if root.total is None:
            return None
        return int((await run.fetch(root.total)).columns["count"][0])

    async def rows(run: Run) -> tuple[list[list[Any]], Batch, bool]:
        if root.fetch is None:
            return [], Batch({}, 0), False
        batch = await run.fetch(root.fetch)
        size = run.size(root.page.size)
        more = batch.rows > size
        batch = head(batch, size)
        if root.page.backward:
            batch = reverse(batch)
        return await node.objects(batch, run), batch, more

    async def run_list(run: Run) -> Any:
        if root.total is None and figure is None:
            count, (objects, batch, more) = None, await rows(run)
        else:
            count, (objects, batch, more) = await together([total(run), rows(run)])
        following, preceding = page_flags(root.page, more)
        page = Page(
            range(batch.rows),
            has_next=following,
            has_previous=preceding,
            total=count,
            cursor=cursor_writer(root.page, batch.columns, run),
        )
        return write_connection(root.parts, objects, page)

    return run_list


def _lookup_runner(root: LookupPlan, world: World) -> RunRoot:
    node = node_runner(root.node, world)
    by = root.by

    async def run_lookup(run: Run) -> Any:
        key = tuple(
            operand.value if isinstance(operand, Const) else run.params[operand.name]
            for operand, _ in by
        )
        batch = await run.fetch(root.fetch, () if None in key else (key,))
        if not batch.rows:
            if run.tally is not None and None not in key:
                run.tally.tried(root.node, root.fetch.ask.key_columns, key)
            return None
        return (await node.objects(head(batch, 1), run))[0][0]

    return run_lookup


def _node_runner(root: NodePlan, world: World) -> RunRoot:
    branches = {
        branch.node.type: (branch, _lookup_runner(branch, world)) for branch in root.branches
    }

    async def run_node(run: Run) -> Any:
        operand = root.id
        text = operand.value if isinstance(operand, Const) else run.params[operand.name]
        opened = world.seal.open_node_id(run.subject.id, text)
        branch = branches.get(opened[0]) if opened is not None else None  # type: ignore[call-overload]
        if opened is None or branch is None:
            return None
        plan, lookup = branch
        try:
            key = [
                canonical(kind, part) for (_, kind), part in zip(plan.by, opened[1], strict=True)
            ]
        except ValueError:
            return None
        for number, part in enumerate(key):
            run.params[f"n.{root.key}.{number}"] = part
        return await lookup(run)

    return run_node


def _aggregate_runner(root: AggregatePlan) -> RunRoot:
    guard = root.guard

    async def run_aggregate(run: Run) -> Any:
        if guard is None:
            rows = rows_of(await _groups(root.fetch, run))
        elif guard.outside is None:
            rows = shown_rows(await _groups(root.fetch, run), None, guard)
        else:
            fetches = (_groups(root.fetch, run), _groups(guard.outside, run))
            inside, outside = await together(fetches)
            rows = shown_rows(inside, outside, guard)
        run.rows[root.type] = run.rows.get(root.type, 0) + len(rows)
        if run.tally is not None and root.persons:
            run.tally.add_unknown(root.type, len(rows) * root.persons)
        return [write_group(root.boxes, row) for row in rows]

    return run_aggregate


async def _groups(fetch: Fetch, run: Run) -> Batch:
    batch = await run.fetch(fetch)
    bound = fetch.ask.limit
    if isinstance(bound, int) and batch.rows >= bound:
        raise HubError(
            "TOO_MANY_GROUPS",
            "the groups are too many",
            hint=f"at most {bound - 1}: filter, or group by fewer fields",
        )
    return batch


def _caller_runner(root: CallerPlan) -> RunRoot:
    async def run_caller(run: Run) -> Any:
        subject = run.subject
        held = {
            "app": subject.app,
            "user": subject.user,
            "department": subject.department,
            "tier": subject.tier,
            "region": subject.region,
            "purposes": sorted(subject.purposes),
            "roles": sorted(subject.roles),
            "__typename": "Caller",
        }
        return {key: held[field] for key, field in root.picks}

    return run_caller


def _const_runner(root: ConstPlan) -> RunRoot:
    async def run_const(_run: Run) -> Any:
        return root.value

    return run_const
