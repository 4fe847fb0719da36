"""A plan as text."""

from __future__ import annotations

from hub.gateway.plan.steps import Fetch, Plan, Read


def show(plan: Plan) -> str:
    """One line for each fetch and one for what it sends; waves in order."""
    lines = []
    for number, section in enumerate(plan.sections, 1):
        if len(plan.sections) > 1:
            lines.append(f"section {number}")
        for fetch in section.fetches:
            lines.extend(_lines(fetch))
    return "\n".join(lines or ["nothing to fetch"]) + "\n"


def _lines(fetch: Fetch) -> list[str]:
    where = "".join(f".{step.tree}" + _types(step.types) for step in fetch.path)
    after = f" after {', '.join(str(one) for one in fetch.after)}" if fetch.after else ""
    place = f" at {where[1:]}" if where else ""
    made = [f"w{fetch.wave}  {fetch.index} {fetch.graph}{place}{after}"]
    for name, part in fetch.parts.items():
        by = "" if part.type == name else f" as {part.type}"
        made.append(f"      for {name}{by} by {' '.join(_read(one) for one in part.reads)}")
    made.append(f"      {fetch.text}")
    return made


def _types(types: frozenset[str]) -> str:
    return f"[{'|'.join(sorted(types))}]" if types else ""


def _read(read: Read) -> str:
    if read.per is None:
        return read.name
    inside = [" ".join(_read(one) for one in some) for some in read.per.values()]
    if len(inside) == 1 and not read.told:
        return f"{read.name} {{ {inside[0]} }}"
    named = [f"... on {name} {{ {text} }}" for name, text in zip(read.per, inside, strict=True)]
    return f"{read.name} {{ {' '.join(named)} }}"
