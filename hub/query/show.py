"""A plan as text: for golden files, officers and auditors. Holds no value of a request."""

from __future__ import annotations

from collections.abc import Iterator

from connectors.spi import Ask
from hub.query.steps import (
    AggregatePlan,
    CallerPlan,
    ConstPlan,
    Fetch,
    Link,
    ListPlan,
    LookupPlan,
    Node,
    NodePlan,
    Plan,
)
from policies.ruling import Allow, FieldError, Masked, Null, Rowwise
from schema.model.norm import told as way_of
from schema.model.predicate import (
    Always,
    And,
    Compare,
    Const,
    In,
    InKeys,
    IsNull,
    Not,
    Or,
    Param,
    Predicate,
    Related,
)

_SIGNS = {"eq": "=", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}


def plan_text(plan: Plan, *, statements: bool = True) -> str:
    """The plan, one step a line, in waves; `statements` adds what the sources are sent."""
    lines = [
        f"plan {plan.operation[:8]} · catalogue {plan.catalogue[:8]} · "
        f"class {plan.policy_class[:8]} · fetches {count_fetches(plan)}"
    ]
    for root in plan.roots:
        match root:
            case ListPlan():
                lines.append(f"{root.key}: list {root.node.type}")
                if root.fetch is not None:
                    lines.extend(_fetch(root.fetch, 1, statements))
                    lines.extend(_node(root.node, 1, statements))
                if root.total is not None:
                    lines.extend(_fetch(root.total, 1, statements, "Count"))
                if root.figure is not None:
                    lines.extend(_aggregate(root.figure, statements, "Count"))
            case LookupPlan():
                lines.extend(_lookup(root, statements))
            case NodePlan():
                lines.append(f"{root.key}: node")
                for branch in root.branches:
                    lines.extend(_lookup(branch, statements))
            case AggregatePlan():
                lines.append(f"{root.key}: aggregate {root.type}")
                lines.extend(_aggregate(root, statements, "Aggregate"))
            case CallerPlan() | ConstPlan():
                lines.append(f"{root.key}: no source")
    return "\n".join(lines) + "\n"


def count_fetches(plan: Plan) -> int:
    """Calls of sources when every level fits one batch; key sets included."""
    found = [line for line in _all(plan) if not line.empty]
    return len({plan.twins.get(fetch.id, fetch.id) for fetch in found})


def _all(plan: Plan) -> Iterator[Fetch]:
    for root in plan.roots:
        match root:
            case ListPlan():
                for fetch in (root.fetch, root.total):
                    if fetch is not None:
                        yield from _with_keys(fetch)
                if root.figure is not None:
                    yield from _of_aggregate(root.figure)
                yield from _of_node(root.node)
            case LookupPlan():
                yield from _with_keys(root.fetch)
                yield from _of_node(root.node)
            case NodePlan():
                for branch in root.branches:
                    yield from _with_keys(branch.fetch)
                    yield from _of_node(branch.node)
            case AggregatePlan():
                yield from _of_aggregate(root)
            case _:
                continue


def _of_aggregate(plan: AggregatePlan) -> Iterator[Fetch]:
    yield from _with_keys(plan.fetch)
    if plan.guard is not None and plan.guard.outside is not None:
        yield from _with_keys(plan.guard.outside)


def _of_node(node: Node) -> Iterator[Fetch]:
    for extend in node.extends:
        yield from _with_keys(extend.fetch)
    for contest in node.contests:
        for fetch in (contest.fetch, contest.since):
            if fetch is not None:
                yield from _with_keys(fetch)
    for link in node.links:
        for fetch in (link.fetch, link.total):
            if fetch is not None:
                yield from _with_keys(fetch)
        yield from _of_node(link.node)


def _with_keys(fetch: Fetch) -> Iterator[Fetch]:
    for join in fetch.semijoins:
        yield from _with_keys(join.fetch)
    yield fetch


def _aggregate(plan: AggregatePlan, statements: bool, word: str) -> Iterator[str]:
    yield from _fetch(plan.fetch, 1, statements, word)
    guard = plan.guard
    if guard is None:
        return
    if guard.outside is not None:
        yield from _fetch(guard.outside, 1, statements, "Outside")
    yield f"  Suppress under {guard.k} persons · counts to multiples of {guard.round_to}"


def _lookup(plan: LookupPlan, statements: bool) -> Iterator[str]:
    yield f"{plan.key}: look-up {plan.node.type}"
    yield from _fetch(plan.fetch, 1, statements)
    yield from _node(plan.node, 1, statements)


def _node(node: Node, depth: int, statements: bool) -> Iterator[str]:
    pad = "  " * depth
    for extend in node.extends:
        yield from _fetch(extend.fetch, depth, statements, "Extend")
    for contest in node.contests:
        told = ", ".join(field.field for field in contest.fields)
        how = "the latest is given" if contest.since is not None else f"{contest.source} is given"
        yield f"{pad}Compare {node.type}.{told} with {contest.fetch.source} ({how})"
        for fetch in (contest.fetch, contest.since):
            if fetch is not None:
                yield from _fetch(fetch, depth + 1, statements)
    for output in node.outputs:
        match output.outcome:
            case Allow():
                continue
            case Masked(mask=mask, params=params):
                told = ", ".join(f"{key}={value}" for key, value in params)
                yield f"{pad}Mask {node.type}.{output.field} {mask}({told})"
            case Null(code=code) | FieldError(code=code):
                yield f"{pad}Null {node.type}.{output.field} {code}"
            case Rowwise(cases=cases):
                told = "; ".join(f"{predicate_text(p)}" for p, _ in cases)
                yield f"{pad}Mask {node.type}.{output.field} by row: {told}"
    for one in node.shared:
        by = "rows" if one.persons == () else "nobody" if one.persons is None else "what is shown"
        field = node.outputs[one.output].field
        yield f"{pad}Lower the label of {node.type}.{field} if {one.k} share it, counted by {by}"
    if node.persons:
        yield f"{pad}Count persons of {node.type} by {', '.join(node.persons)}"
    for link in node.links:
        yield from _link(link, node, depth, statements)


def _link(link: Link, node: Node, depth: int, statements: bool) -> Iterator[str]:
    on = ", ".join(f"{ours}={theirs}" for ours, theirs in link.on)
    how = f"nested {link.nested}" if link.nested is not None else "by key"
    yield f"{'  ' * depth}Join {node.type}.{link.name} on {on} ({link.form}, {how})"
    if link.fetch is not None:
        yield from _fetch(link.fetch, depth + 1, statements)
    yield from _node(link.node, depth + 1, statements)
    if link.total is not None:
        yield from _fetch(link.total, depth + 1, statements, "Count")


def _fetch(fetch: Fetch, depth: int, statements: bool, word: str = "Fetch") -> Iterator[str]:
    pad = "  " * depth
    for join in fetch.semijoins:
        yield f"{pad}Keys {join.param} = {', '.join(join.columns)}"
        yield from _fetch(join.fetch, depth + 1, statements)
    if fetch.empty:
        yield f"{pad}{word} nothing: policy leaves no row of {fetch.type}"
        return
    ask = fetch.ask
    head = f"{pad}{word} {ask.table}@{fetch.source}"
    if ask.key_columns:
        head += f" · by {', '.join(ask.key_columns)} ≤{fetch.max_keys}"
    yield " · ".join([head, *_parts(ask)])
    if ask.document is not None:
        yield f"{pad}  pass-through: the source writes the rows"
    yield from _nested(ask, depth + 1)
    if fetch.residual is not None:
        yield f"{pad}  left to the hub: {_residual(fetch.residual)}"
    if fetch.norm is not None:
        ways = ", ".join(f"{name} {way_of(way)}" for name, way in fetch.norm.columns)
        yield f"{pad}  converted by the hub: {ways or 'what is sought'}"
    if fetch.left is not None:
        yield f"{pad}  left to the hub after that: {_residual(fetch.left)}"
    if fetch.down:
        yield f"{pad}  the source is not connected"
    if statements and not fetch.down:
        for line in repr(fetch.handle).splitlines():
            yield f"{pad}  | {line}"


def _parts(ask: Ask) -> Iterator[str]:
    if ask.columns:
        yield f"columns {', '.join(column.name for column in ask.columns)}"
    if ask.must is not None:
        yield f"must {predicate_text(ask.must)}"
    if ask.wish is not None:
        yield f"wish {predicate_text(ask.wish)}"
    if ask.aggregate is not None and ask.aggregate.group_by:
        yield f"group by {', '.join(ask.aggregate.group_by)}"
    if ask.order:
        told = ", ".join(f"{t.column}{' desc' if t.descending else ''}" for t in ask.order)
        yield f"order {told}"
    if ask.limit is not None:
        shown = ask.limit if isinstance(ask.limit, int) else f"${ask.limit.name}"
        yield f"limit {shown}"


def _nested(ask: Ask, depth: int) -> Iterator[str]:
    """Rows of other types that come with the same fetch; policy's conditions hold there too."""
    for join in ask.joins:
        yield " · ".join([f"{'  ' * depth}With {join.name} {join.ask.table}", *_parts(join.ask)])
        yield from _nested(join.ask, depth + 1)


def _residual(left: Ask) -> str:
    told = []
    if left.must is not None:
        told.append(f"must {predicate_text(left.must)}")
    if left.wish is not None:
        told.append(f"wish {predicate_text(left.wish)}")
    if left.order:
        told.append("order")
    if left.limit is not None:
        told.append("limit")
    if left.aggregate is not None:
        told.append("aggregate")
    return ", ".join(told) or "columns"


def predicate_text(predicate: Predicate) -> str:
    """A predicate in words; params by name, constants as they are in the document."""
    match predicate:
        case Always(value=value):
            return "true" if value else "false"
        case Compare(name=name, op=op, operand=operand):
            return f"{name} {_SIGNS.get(op, op)} {_operand(operand)}"
        case In(name=name, operands=Param() as held):
            return f"{name} in {_operand(held)}"
        case In(name=name, operands=held):
            told = ", ".join(_operand(o) for o in held) if isinstance(held, tuple) else ""
            return f"{name} in ({told})"
        case IsNull(name=name):
            return f"{name} is null"
        case And(parts=parts):
            return "(" + " and ".join(predicate_text(part) for part in parts) + ")"
        case Or(parts=parts):
            return "(" + " or ".join(predicate_text(part) for part in parts) + ")"
        case Not(part=part):
            return f"not {predicate_text(part)}"
        case Related(relation=relation, quantifier=quantifier, part=part):
            return f"{quantifier} {relation}: {predicate_text(part)}"
        case InKeys(names=names, keys=keys):
            return f"({', '.join(names)}) in ${keys.name}"


def _operand(operand: Const | Param) -> str:
    return f"${operand.name}" if isinstance(operand, Param) else repr(operand.value)
