"""Rulings in sentences, English and Chinese: the outcome, what it rests on, how to ask."""

from __future__ import annotations

from typing import Literal

import msgspec

from policies.ruling import (
    Allow,
    Declassified,
    FieldError,
    Hidden,
    Masked,
    Null,
    Outcome,
    Reject,
    Rowwise,
)
from schema.model.subject import Subject
from schema.model.use import FieldUse

Language = Literal["en", "zh"]


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What there is to tell about one use."""

    use: FieldUse
    outcome: Outcome
    rules: tuple[str, ...]
    why: str
    owner: str | None = None
    share: str | None = None
    filtered: bool = False
    """Whether only some rows exist for the subject."""
    delegation: str = ""
    caller: Subject | None = None
    principal: Subject | None = None
    """For whom the caller acts."""
    declassified: tuple[Declassified, ...] = ()
    together: tuple[tuple[str, str], ...] = ()
    """What rules say of the element together with others, English and Chinese."""


MODES: dict[str, tuple[str, str]] = {
    "project": ("read", "读取"),
    "filter_eq": ("filter by equality on", "按相等条件筛选"),
    "filter_range": ("filter by range on", "按范围条件筛选"),
    "filter_text": ("filter by text on", "按文本条件筛选"),
    "sort": ("sort by", "按其排序"),
    "group": ("group by", "按其分组"),
    "aggregate": ("aggregate", "聚合"),
    "join": ("join by", "按其关联"),
    "subscribe": ("be told of changes of", "订阅其变更"),
    "export": ("export", "批量导出"),
    "correct": ("propose corrections of", "提出更正"),
    "see_metadata": ("know of", "知晓其存在"),
    "traverse": ("follow", "沿关系访问"),
    "list": ("list", "列出"),
    "open": ("look up one", "查找单条"),
    "count": ("count", "计数"),
}
_WHY: dict[str, tuple[str, str]] = {
    "permit": ("a permit allows it", "有许可规则允许"),
    "mask": ("the rules show it masked", "规则要求脱敏后显示"),
    "rows": ("the rules differ by row", "规则因数据行而异"),
    "uniform": (
        "the rules differ by row, and what tells rows apart may not be read: all rows alike",
        "规则因数据行而异，但区分行的字段不可读取，故各行一致处理",
    ),
    "default": ("no permit covers it", "没有许可规则覆盖"),
    "forbid": ("a prohibition denies it", "有禁止规则拒绝"),
    "require": ("a requirement limits the field", "有要求规则限制该字段"),
    "no-project": (
        "the field may not be read as it is, so it may not be used in this way either",
        "该字段不能读取原值，因此也不能这样使用",
    ),
    "no-target": ("nothing of the target type is visible", "目标类型没有任何可见内容"),
    "link": (
        "it hangs on a key that is not shown, or not masked, alike at both ends; a permit that "
        "names the relation itself would open it",
        "其关联键在两端的可见或脱敏方式不同；需由明确列出该关联的许可规则开放",
    ),
    "ceiling": ("its label is above this hub's ceiling", "其级别超过本枢纽的上限"),
    "dominance": ("its label is above the caller's clearance", "其级别高于调用方的许可级别"),
    "compartment": ("the caller is outside its compartments", "调用方不在其知悉范围内"),
    "unlabelled": ("it has no level and only its owner may use it", "未定级，仅限数源部门使用"),
    "withheld": ("its owner does not share it", "数源部门不予共享"),
    "delegation": (
        "the caller acts for a department without a delegation that is in force",
        "调用方代其他部门行事，但没有有效的委托",
    ),
    "unknown": ("there is no such element for the caller", "对调用方不存在该元素"),
}
_CODES: dict[str, tuple[str, str]] = {
    "PURPOSE_REQUIRED": ("state one of your purposes with the request", "请在请求中说明使用目的"),
    "PURPOSE_NOT_ALLOWED": (
        "the stated purpose is not among those of the credentials; ask for it to be added",
        "所述目的不在凭证允许的范围内，请申请增加",
    ),
    "NETWORK_ZONE": (
        "ask from a network zone that the rule allows",
        "请从规则允许的网络区域发起请求",
    ),
    "STEP_UP_REQUIRED": (
        "log in in the stronger way that the rule names",
        "请以规则要求的更强认证方式登录",
    ),
    "CASE_REQUIRED": ("state the case with the request", "请在请求中注明案件编号"),
    "AGGREGATE_ONLY": ("ask for figures over many rows", "仅可请求多行汇总数据"),
    "GRANT_EXPIRED": ("ask the owner to renew the grant", "请向数源部门申请续期授权"),
    "NO_DELEGATION": (
        "have the department that is acted for renew the delegation",
        "请由被代表的部门办理或续期委托",
    ),
    "TIME_WINDOW": ("ask again within the hours of the rule", "请在规则规定的时间内再次请求"),
}


def explained(told: Told, language: Language) -> str:
    """One text in one language, for those who may know every rule."""
    place = 0 if language == "en" else 1
    if isinstance(told.outcome, Hidden):
        return _absent(told)[place]
    said = _said(told, language)
    why = _WHY.get(told.why, _WHY["unknown"])[place]
    rules = ", ".join(f"`{rule}`" for rule in told.rules)
    if language == "en":
        parts = [f"{said}, because {why}"]
        parts += [f"decided by {rules}"] if rules else []
        parts += ["rows outside the row filter do not exist"] if told.filtered else []
    else:
        parts = [f"{said}，因为{why}"]
        parts += [f"依据 {rules}"] if rules else []
        parts += ["行过滤范围以外的数据行视为不存在"] if told.filtered else []
    parts += [declared_in_words(one)[place] for one in told.declassified]
    acts = _acts(told)
    parts += [acts[place]] if acts is not None else []
    parts += [sentence[place] for sentence in told.together]
    return _joined([*parts, *_ways(told, place)], language)


def declared_in_words(one: Declassified) -> tuple[str, str]:
    """What is declared of masked values."""
    level = f"{one.ladder} {one.level}".strip()
    return (
        f"the masked value is declassified to `{level}` where {one.k} persons or more share it"
        f" ({one.reason})",
        f"至少 {one.k} 人共有的脱敏值降级为 `{level}`（{one.reason}）",
    )


def explained_to_app(told: Told, language: Language) -> str:
    """One text in one language, for the team of an application: what it would see by asking, and
    how to ask for more. No rule, no reason that tells labels or other callers' rights."""
    place = 0 if language == "en" else 1
    if isinstance(told.outcome, Hidden):
        return _absent(told)[place]
    return _joined([_said(told, language), *_ways(_plain(told), place)], language)


def _absent(told: Told) -> tuple[str, str]:
    # fails closed: the text for what is hidden equals the text for what does not exist
    return f"there is no `{told.use.coordinate}`", f"不存在 `{told.use.coordinate}`"


def _plain(told: Told) -> Told:
    """The same with a reason that no label can be told from."""
    return msgspec.structs.replace(told, why="default", rules=(), together=())


def _said(told: Told, language: Language) -> str:
    place = 0 if language == "en" else 1
    mode, seen = MODES[told.use.mode][place], _seen(told.outcome)[place]
    function = f" ({told.use.function})" if told.use.function else ""
    if language == "en":
        return f"to {mode} `{told.use.coordinate}`{function}: {seen}"
    return f"{mode} `{told.use.coordinate}`{function}：{seen}"


def _ways(told: Told, place: int) -> list[str]:
    ask = _ask(told)
    return [] if ask is None else [ask[place]]


def _joined(parts: list[str], language: Language) -> str:
    return ("; " if language == "en" else "；").join(parts) + ("." if language == "en" else "。")


def _acts(told: Told) -> tuple[str, str] | None:
    """Both sides of a caller who acts for another."""
    if told.caller is None or told.principal is None:
        return None
    who, whom, how = told.caller.app, told.principal.app, f"delegation.{told.delegation}"
    return (
        f"`{who}` acts for `{whom}` of `{told.principal.department}` under `{how}`, and has no "
        "more than either",
        f"`{who}`依 `{how}` 代 `{told.principal.department}` 的 `{whom}` 行事，"
        "所得不超过双方任何一方",
    )


def _seen(outcome: Outcome) -> tuple[str, str]:
    match outcome:
        case Allow():
            return "allowed", "允许"
        case Masked(mask=mask, params=params):
            told = ", ".join(f"{key} {value}" for key, value in params if key != "kind")
            settings = f" ({told})" if told else ""
            return f"masked by {mask}{settings}", f"以 {mask}{settings} 脱敏"
        case Null(code=code):
            return f"null ({code})", f"返回空值（{code}）"
        case FieldError(code=code):
            return f"a field error ({code})", f"返回字段错误（{code}）"
        case Reject(code=code):
            return f"the operation is refused ({code})", f"拒绝整个操作（{code}）"
        case Rowwise():
            return "shown in some rows", "部分数据行可见"
        case Hidden():
            return "it does not exist", "不存在"


def _ask(told: Told) -> tuple[str, str] | None:
    """How to get further, ``None`` if there is nothing to ask for."""
    if isinstance(told.outcome, Reject) and told.outcome.code in _CODES:
        return _CODES[told.outcome.code]
    if isinstance(told.outcome, Allow) or told.owner is None:
        return None
    if told.why in ("ceiling", "dominance", "compartment", "unlabelled", "withheld"):
        return (
            "no permit can change that; the classification is decided by the owner, "
            f"`{told.owner}`",
            f"许可无法改变此结果，定级由数源部门 `{told.owner}` 决定",
        )
    if told.share == "conditional":
        return (
            f"ask `{told.owner}` to share it, with purpose, fields and rows",
            f"请向数源部门 `{told.owner}` 提出共享申请，写明目的、字段和数据范围",
        )
    return (
        f"ask the security officer for a permit; the owner is `{told.owner}`",
        f"请向安全管理员申请许可，数源部门为 `{told.owner}`",
    )
