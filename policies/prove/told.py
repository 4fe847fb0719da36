"""Results in sentences, English and Chinese: what was proved, of whom not, and on what premises."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from policies.engine import Engine
from policies.explain import MODES, Language
from policies.prove.assertion import Counterexample, Result
from policies.prove.change import Change, Comparison
from policies.prove.witness import Witness
from schema.model.names import split_coordinate
from schema.model.use import FieldUse

_VERDICTS = {
    "proved": ("proved", "已证明"),
    "refuted": ("refuted", "不成立"),
    "undecided": ("not decided in time", "未能在限定时间内判定"),
}
_KINDS = {
    "equal": ("equal: nobody has more or less", "等价：可见范围没有变化"),
    "tightening": ("tightening: nobody has more, somebody has less", "收紧：只减不增"),
    "loosening": ("loosening: somebody has more, nobody has less", "放宽：只增不减"),
    "both": ("both: somebody has more, somebody has less", "有增有减"),
    "undecided": (
        "not decided: treat it as a loosening",
        "未能判定：请按放宽处理",
    ),
}
_SHOWN = {
    "allow": ("as it is", "原值"),
    "permit": ("permitted by the rule alone", "规则本身许可"),
    None: ("nothing", "不可见"),
}
_ATTRIBUTES = {
    "app": ("application", "应用"),
    "user": ("person", "用户"),
    "department": ("department", "部门"),
    "org_kind": ("kind of organisation", "机构类型"),
    "tier": ("tier", "层级"),
    "region": ("region", "区划"),
    "acting_for": ("acting for", "受托于"),
    "link": ("link", "级联"),
    "roles": ("roles", "角色"),
    "duties": ("duties", "职责"),
    "compartments": ("compartments", "知悉范围"),
    "purposes": ("allowed purposes", "允许的目的"),
    "clearance": ("clearance", "许可级别"),
    "purpose": ("stated purpose", "声明的目的"),
    "network_zone": ("network zone", "网络区域"),
    "acr": ("log-in strength", "认证强度"),
    "case_id": ("case", "案件编号"),
}


def premises(engine: Engine) -> tuple[tuple[str, str], ...]:
    """What every proof takes for granted, each as (English, Chinese)."""
    packs = ", ".join(engine.packs.ids)
    ceiling = ", ".join(f"{ladder} {level}" for ladder, level in sorted(engine.ceiling.items()))
    version = engine.catalogue.version[:12]
    rules, grants = len(engine.rules), len(engine.grants)
    lent = len(engine.delegations)
    return (
        (
            f"about {rules} rules and {grants} grants over the catalogue {version}, with the "
            f"packs {packs} and the ceiling {ceiling or 'none'}; other labels need another proof",
            f"针对目录 {version} 上的 {rules} 条规则和 {grants} 项授权，"
            f"规则包 {packs}，上限 {ceiling or '无'}；标签变化后须重新证明",
        ),
        (
            "callers are what their credentials say; any attribute may be missing",
            "调用方属性以凭证为准，任何属性都可能缺失",
        ),
        (
            "a stated purpose is among those that the credentials allow; others are refused",
            "声明的目的必须在凭证允许的范围内，否则一律拒绝",
        ),
        (
            "the ages of persons are those of the day of the proof",
            "人员年龄以证明当日为准",
        ),
        (
            f"who acts for a department ({lent} delegations) is taken with the application, "
            "department, kind, tier, region and duties of whom it acts for, and with its own "
            "person, roles, clearance, compartments and purposes; it never has more",
            f"代其他部门行事者（{lent} 项委托）以被代表方的应用、部门、机构类型、层级、区划和职责"
            "以及本人的用户、角色、许可级别、知悉范围和目的计，所得不会更多",
        ),
        (
            "every way to data asks the engine; that is tested, not proved",
            "所有数据出口都经过策略引擎；此点由测试保证，不在证明范围内",
        ),
    )


def result_told(result: Result, language: Language) -> list[str]:
    """A result in lines of one language; the first is the verdict."""
    place = 0 if language == "en" else 1
    colon = (": ", "：")[place]
    lines = [f"{result.assertion.name}{colon}{_VERDICTS[result.verdict][place]}"]
    if result.verdict == "proved" and result.looked_at == 0:
        lines[0] += (
            "; nothing in the catalogue is what it speaks of",
            "；目录中没有其所指的内容",
        )[place]
    lines += [_example(example, place) for example in result.examples]
    lines += [(f"rule {finding}", f"规则 {finding}")[place] for finding in result.findings]
    if result.delegated:
        lines.append(
            (
                "no single caller does both, but by delegations one may act for two",
                "没有单一调用方两者兼得，但经委托同一调用方可代表两方",
            )[place]
        )
    if result.verdict == "undecided":
        lines.append(("it blocks like a refutation", "按不成立处理")[place])
    return lines


def comparison_told(comparison: Comparison, language: Language, most: int = 20) -> list[str]:
    """A comparison in lines of one language; of the changes the first `most`."""
    place = 0 if language == "en" else 1
    lines = [_KINDS[comparison.kind][place]]
    if comparison.duties_differ:
        said = "obligations or rules about fields together differ; that is not compared"
        lines.append((said, "义务或多字段规则有变化，其影响未作比较")[place])
    lines += [(f"no longer: {told[0]}", f"不再有：{told[1]}")[place] for told in comparison.apart]
    lines += [(f"now: {one[0]}", f"新增：{one[1]}")[place] for one in comparison.lowered]
    lines += [(f"no longer: {one[0]}", f"不再有：{one[1]}")[place] for one in comparison.restored]
    if comparison.delegated:
        said = "who acts for others by delegation may have more; that is not compared"
        lines.append((said, "经委托代他人行事者可能看到更多，此点未作比较")[place])
    lines += [_change(change, place) for change in comparison.changes[:most]]
    more = len(comparison.changes) - most
    if more > 0:
        lines.append((f"and {more} more", f"另有 {more} 项")[place])
    return lines


def _change(change: Change, place: int) -> str:
    direction = {"more": ("more", "放宽"), "less": ("less", "收紧")}[change.direction][place]
    before, after = _seen(change.before, place), _seen(change.after, place)
    like = ", ".join(change.like)
    rules = ", ".join(f"`{rule}`" for rule in change.rules)
    who = _caller(change.witness, change.use, place)
    if place == 0:
        also = f" (also {like})" if like else ""
        by = f"; decided by {rules}" if rules else ""
        return f"{direction}: to {_use(change.use, 0)}{also}: {before} -> {after}, for {who}{by}"
    also = f"（以及 {like}）" if like else ""
    by = f"；依据 {rules}" if rules else ""
    return f"{direction}：{_use(change.use, 1)}{also}：{before} -> {after}，例如 {who}{by}"


def _example(example: Counterexample, place: int) -> str:
    who = _caller(example.witness, example.use, place)
    rules = ", ".join(f"`{rule}`" for rule in example.rules)
    seen, use = _seen(example.shown, place), _use(example.use, place)
    if place == 0:
        return f"{who} may {use} ({seen}); decided by {rules or 'no rule'}"
    return f"{who}可以{use}（{seen}）；依据 {rules or '无'}"


def _use(use: FieldUse, place: int) -> str:
    function = f" ({use.function})" if use.function else ""
    return f"{MODES[use.mode][place]} `{use.coordinate}`{function}"


def _seen(name: str | None, place: int) -> str:
    held = _SHOWN.get(name)
    return held[place] if held is not None else (f"masked by {name}", f"以 {name} 脱敏")[place]


def _caller(witness: Witness, use: FieldUse, place: int) -> str:
    parts = [
        f"{_ATTRIBUTES[name][place]} {_text(value)}" for name, value in attributes(witness).items()
    ]
    type_name, _ = split_coordinate(use.coordinate)
    row = witness.rows.get(type_name, {})
    told = [f"{name} = {'null' if value is None else value}" for name, value in row.items()]
    if place == 0:
        caller = f"a caller with {', '.join(parts)}" if parts else "any caller"
        return caller + (f" in a row with {', '.join(told)}" if told else "")
    caller = f"具有{'、'.join(parts)}的调用方" if parts else "任何调用方"
    return caller + (f"在 {'、'.join(told)} 的数据行" if told else "")


def attributes(witness: Witness) -> dict[str, Any]:
    """The attributes of caller and circumstance that are there."""
    held = ((name, getattr(of, name)) for of, name in _held(witness))
    return {name: value for name, value in held if value}


def _held(witness: Witness) -> Iterator[tuple[Any, str]]:
    for name in _ATTRIBUTES:
        of = witness.subject if hasattr(witness.subject, name) else witness.context
        yield of, name


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {held}" for key, held in sorted(value.items()))
    if isinstance(value, frozenset):
        return ", ".join(sorted(value))
    return str(value)
