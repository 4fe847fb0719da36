"""Conditions on rows, and what is shown, in words: English and Chinese."""

from __future__ import annotations

from typing import assert_never

from policies.residue import AGES, PREFIXES
from policies.ruling import Allow, Masked
from schema.model.entity import EntityType
from schema.model.names import FieldName
from schema.model.predicate import (
    Always,
    And,
    Compare,
    In,
    InKeys,
    IsNull,
    Not,
    Operand,
    Or,
    Param,
    Predicate,
    Related,
)

Said = tuple[str, str]
"""An English and a Chinese text."""
_OPS: dict[str, Said] = {
    "eq": ("is", "等于"),
    "ne": ("is not", "不等于"),
    "lt": ("is below", "小于"),
    "le": ("is at most", "不大于"),
    "gt": ("is above", "大于"),
    "ge": ("is at least", "不小于"),
    "prefix": ("begins with", "开头为"),
    "contains": ("contains", "包含"),
}
_ATTRIBUTES: dict[str, Said] = {
    "app": ("the caller's application", "调用方应用"),
    "user": ("the caller's person", "调用方用户"),
    "department": ("the caller's department", "调用方部门"),
    "org_kind": ("the kind of the caller's organisation", "调用方机构类型"),
    "tier": ("the caller's tier", "调用方层级"),
    "region": ("the caller's region", "调用方所在区域"),
    "acting_for": ("whom the caller acts for", "调用方所代表的部门"),
    "link": ("the link that the caller comes by", "调用方所经的级联"),
    "roles": ("the caller's roles", "调用方角色"),
    "duties": ("the caller's duties", "调用方职责"),
    "compartments": ("the caller's compartments", "调用方知悉范围"),
    "purposes": ("the caller's purposes", "调用方用途"),
}
_WHOSE: dict[str, Said] = {
    "subject": ("", ""),
    "lent": (" (as lent to it)", "（受托的）"),
    "delegate": (" (its own)", "（自身的）"),
}
"""Of callers who act for another: whose attribute it is, where they differ."""
_QUANTIFIERS: dict[str, Said] = {
    "some": ("some related row", "至少一条关联数据"),
    "every": ("every related row", "每条关联数据"),
    "none": ("no related row", "没有关联数据"),
}


def rows_in_words(where: Predicate, entity: EntityType | None) -> Said:
    """The rows of a type that a condition holds for."""
    if isinstance(where, Always):
        return ("every row", "所有数据行") if where.value else ("no row", "无数据行")
    english, chinese = _told(where, entity)
    return f"rows where {english}", f"符合以下条件的数据行：{chinese}"


def shown_in_words(outcome: Allow | Masked) -> Said:
    """What is seen of a value."""
    if isinstance(outcome, Allow):
        return "as it is", "原值"
    settings = ", ".join(f"{key} {value}" for key, value in outcome.params if key != "kind")
    told = f"{outcome.mask} ({settings})" if settings else outcome.mask
    return f"masked by {told}", f"以 {told} 脱敏"


def _told(where: Predicate, entity: EntityType | None) -> Said:
    match where:
        case Always(value=value):
            return ("always", "恒成立") if value else ("never", "恒不成立")
        case Compare(name=name, op=op, operand=operand):
            names, values, words = _name(name, entity), _value(operand), _OPS[op]
            return f"{names[0]} {words[0]} {values[0]}", f"{names[1]}{words[1]}{values[1]}"
        case In(name=name, operands=operands):
            names = _name(name, entity)
            held = (operands,) if isinstance(operands, Param) else operands
            members = [_value(one) for one in held]
            return (
                f"{names[0]} is one of {', '.join(one for one, _ in members)}",
                f"{names[1]}属于{'、'.join(one for _, one in members)}",
            )
        case IsNull(name=name):
            names = _name(name, entity)
            return f"{names[0]} is empty", f"{names[1]}为空"
        case And(parts=parts):
            return _joined([_told(part, entity) for part in parts], (" and ", "且"))
        case Or(parts=parts):
            return _joined([_told(part, entity) for part in parts], (" or ", "或"))
        case Not(part=part):
            english, chinese = _told(part, entity)
            return f"not ({english})", f"并非（{chinese}）"
        case Related(relation=relation, quantifier=quantifier, part=part):
            english, chinese = _told(part, None)
            words = _QUANTIFIERS[quantifier]
            return (
                f"for {words[0]} of `{relation}`: ({english})",
                f"`{relation}`中{words[1]}符合（{chinese}）",
            )
        case InKeys(names=keys):
            listed = ", ".join(f"`{key}`" for key in keys)
            return f"{listed} is among related keys", f"{listed}在关联键之中"
        case _:
            assert_never(where)


def _joined(parts: list[Said], words: Said) -> Said:
    return (
        words[0].join(f"({one})" for one, _ in parts),
        words[1].join(f"（{one}）" for _, one in parts),
    )


def _name(name: str, entity: EntityType | None) -> Said:
    field = None if entity is None else entity.fields.get(FieldName(name))
    title = None if field is None else field.title.get("zh")
    return f"`{name}`", f"“{title}”（`{name}`）" if title else f"`{name}`"


def _value(operand: Operand) -> Said:
    if not isinstance(operand, Param):
        return f"`{operand.value}`", f"`{operand.value}`"
    if operand.name.startswith(AGES):
        years = operand.name.removeprefix(AGES)
        return f"the day {years} years ago", f"{years} 年前的当日"
    for space, prefix in PREFIXES.items():
        if operand.name.startswith(prefix):
            name = operand.name.removeprefix(prefix)
            whose = _WHOSE[space]
            english, chinese = _ATTRIBUTES.get(name, (f"`{name}`", f"`{name}`"))
            return f"{english}{whose[0]}", f"{whose[1]}{chinese}"
    return f"`{operand.name}`", f"`{operand.name}`"
