"""An Ask as one DuckDB statement: exact or not at all, values only as parameters.

The inner SELECT reads the columns as their kinds under their own names; everything else is over
those. Identifiers are quoted and come from the catalogue; the table is a view or table of the
connector's own database.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, assert_never

import msgspec

from connectors.files.bind import Rounding, Slot
from connectors.files.digest import digest
from connectors.files.kinds import TEXT, TEXT_SCALE, Reading, UnreadableError, reading, shown
from connectors.files.statement import NotExactError, Output, Statement, quoted
from connectors.kit.blind import digests_in
from connectors.spi import Ask, Column, Digest, Measure
from schema.errors import SourceError
from schema.model.predicate import (
    Always,
    And,
    Compare,
    Const,
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

_OPERATORS = {"eq": "=", "ne": "<>", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}
_OPPOSITE = {"eq": "ne", "ne": "eq", "lt": "ge", "le": "gt", "gt": "le", "ge": "lt"}
_ROUNDING: Mapping[str, Rounding] = {
    "lt": "ceiling", "ge": "ceiling", "le": "floor", "gt": "floor",
}  # fmt: skip


def compiled(ask: Ask, natives: Mapping[str, str], *, planning: bool = False) -> Statement:
    """The whole Ask as a statement.

    A column that is not there or cannot be read as its kind is taken for text when `planning`:
    the file may have changed until the statement runs. Raises: `NotExactError`; `SourceError` for
    such a column when not planning.
    """
    if ask.joins:
        raise NotExactError
    return _Compiler(ask, natives, planning=planning).statement()


def exact(ask: Ask, natives: Mapping[str, str], predicate: Predicate) -> bool:
    """Whether a predicate of the Ask can be carried out exactly."""
    try:
        _Compiler(ask, natives, planning=True).true(predicate)
    except NotExactError:
        return False
    return True


def exact_digests(ask: Ask, natives: Mapping[str, str]) -> bool:
    """Whether every digest that an Ask names can be made exactly."""
    compiler = _Compiler(ask, natives, planning=True)
    try:
        for column in digests_in(ask):
            compiler.reading(column.name)
    except NotExactError:
        return False
    return True


class _Compiler:
    def __init__(self, ask: Ask, natives: Mapping[str, str], *, planning: bool) -> None:
        self._ask = ask
        self._natives = dict(natives)
        self._planning = planning
        self._columns = {column.name: column for column in (*ask.known, *ask.columns)}
        self._used: dict[str, Reading] = {}
        self._texts: dict[str, str] = {}
        self._slots: list[tuple[str, Slot]] = []

    def _slot(self, slot: Slot) -> str:
        for name, held in self._slots:
            if held == slot:
                return f"${name}"
        name = f"p{len(self._slots) + 1}"
        self._slots.append((name, slot))
        return f"${name}"

    def reading(self, name: str) -> Reading:
        """How a column comes out of the inner SELECT; raises `NotExactError` for a digest."""
        found = self._used.get(name)
        if found is None and (made := self._columns[name].digest) is not None:
            found = self._used[name] = self._digest(made)
        elif found is None:
            column, native = self._columns[name], self._natives.get(name)
            try:
                if native is None:
                    raise UnreadableError
                found = reading(column, native)
            except UnreadableError:
                if not self._planning:
                    raise self._unreadable(column, native) from None
                self._natives[name] = TEXT
                found = reading(column, TEXT)
            self._used[name] = found
        return found

    def _digest(self, of: Digest) -> Reading:
        parts = []
        for part in of.of:
            self._columns.setdefault(part.name, part)
            parts.append((part.kind, self.reading(part.name), self._raw(part.name)))
        salt = self._slot(Slot(origin="param", value=of.salt.name))
        return Reading(typed=digest(salt, parts).replace("{", "{{").replace("}", "}}"))

    def _unreadable(self, column: Column, native: str | None) -> SourceError:
        if native is None:
            what = f"table `{self._ask.table}` has no column `{column.name}`"
            return SourceError("SOURCE_BAD_DATA", what)
        return SourceError(
            "SOURCE_BAD_DATA", f"column `{column.name}` cannot be read as {column.kind}",
            hint=f"the file's type is {native.lower()}",
        )  # fmt: skip

    def _exact(self, name: str) -> tuple[str, Reading]:
        held = self.reading(name)
        if not held.exact:
            raise NotExactError
        return quoted(name), held

    def _ordered(self, name: str) -> str:
        """For ordering and grouping; a full-width decimal is exact there."""
        held = self.reading(name)
        if not held.exact and self._columns[name].kind == "JSON":
            raise NotExactError
        return quoted(name)

    def statement(self) -> Statement:
        ask = self._ask
        if ask.aggregate is not None:
            outputs, select = self._aggregate()
            tail = self._group()
        else:
            outputs = [self._output(column.name) for column in ask.columns]
            select = [self._shown(column.name) for column in ask.columns]
            tail = self._tail()
        where = self._where()
        text = f"SELECT {', '.join(select) or '1'}\nFROM {self._source()}{where}{tail}"
        return Statement(
            ask=ask,
            text=text,
            slots=tuple(self._slots),
            outputs=tuple(outputs),
            natives=tuple(
                (name, self._natives[name]) for name in self._used if name in self._natives
            ),
        )

    def _source(self) -> str:
        parts = []
        for name, held in self._used.items():
            raw = self._raw(name)
            parts.append(f"{held.typed.format(raw)} AS {quoted(name)}")
            if name in self._texts:
                text = held.text or "{}"
                parts.append(f"{text.format(raw)} AS {quoted(self._texts[name])}")
        return f"(SELECT {', '.join(parts) or '1'} FROM {quoted(self._ask.table)}) AS t"  # noqa: S608

    def _raw(self, name: str) -> str:
        column, held = self._columns[name], quoted(name)
        if not column.values:
            return held
        native = self._natives[name]
        text = held if native == "VARCHAR" else f"CAST({held} AS VARCHAR)"
        cases = [
            f"WHEN {self._slot(Slot(origin='const', value=code))} "
            f"THEN {self._slot(Slot(origin='const', value=value))}"
            for code, value in column.values
        ]
        return f"CASE {text} {' '.join(cases)} ELSE {text} END"

    def _text(self, name: str) -> str:
        """The name under which a column's own text comes out of the inner SELECT."""
        found = self._texts.get(name)
        if found is None:
            found = f"{name} text"
            while found in self._columns or found in self._texts.values():
                found += "'"
            self._texts[name] = found
        return found

    def _shown(self, name: str) -> str:
        if self.reading(name).text is not None:
            return quoted(self._text(name))
        return shown(self._columns[name].kind, quoted(name))

    def _where(self) -> str:
        ask = self._ask
        parts = []
        if ask.key_columns:
            kinds = [self._columns[name].kind for name in ask.key_columns]
            slots = [
                Slot(origin="keys", part=part, many=True, kind=kind)
                for part, kind in enumerate(kinds)
            ]
            parts.append(self._among(ask.key_columns, slots, wanted=True))
        parts += [self.true(part) for part in (ask.must, ask.wish) if part is not None]
        return "\nWHERE " + " AND ".join(parts) if parts else ""

    def _order(self) -> str:
        return ", ".join(
            f"{self._ordered(term.column)} "
            + ("DESC NULLS FIRST" if term.descending else "ASC NULLS LAST")
            for term in self._ask.order
        )

    def _tail(self) -> str:
        ask, order, tail = self._ask, self._order(), ""
        if ask.limit is not None and ask.key_columns:
            keys = ", ".join(self._exact(name)[0] for name in ask.key_columns)
            inside = f"PARTITION BY {keys}" + (f" ORDER BY {order}" if order else "")
            tail += f"\nQUALIFY row_number() OVER ({inside}) <= {self._limit(ask.limit)}"
        if order:
            tail += f"\nORDER BY {order}"
        if ask.limit is not None and not ask.key_columns:
            tail += f"\nLIMIT {self._limit(ask.limit)}"
        return tail

    def _limit(self, limit: int | Param) -> str:
        if isinstance(limit, Param):
            return self._slot(Slot(origin="param", value=limit.name, kind="rows"))
        return self._slot(Slot(origin="const", value=limit, kind="rows"))

    def _output(self, name: str) -> Output:
        if self._columns[name].kind == "JSON":
            return Output(name, "json")
        return Output(name, "decimal" if self.reading(name).text is not None else "none")

    def _aggregate(self) -> tuple[list[Output], list[str]]:
        asked = self._ask.aggregate
        assert asked is not None  # noqa: S101 - invariant: the caller looked
        outputs, select = [], []
        for name in asked.group_by:
            self._ordered(name)
            outputs.append(self._output(name))
            own_text = self.reading(name).text is not None
            select.append(f"max({self._shown(name)})" if own_text else self._shown(name))
        for measure in asked.measures:
            extreme = measure.function in ("min", "max") and measure.column is not None
            finish = self._output(measure.column or "").finish if extreme else "none"
            outputs.append(Output(measure.name, finish))
            select.append(self._measure(measure))
        return outputs, select

    def _group(self) -> str:
        asked = self._ask.aggregate
        assert asked is not None  # noqa: S101 - invariant: the caller looked
        tail = ""
        if asked.group_by:
            names = [quoted(name) for name in asked.group_by]
            order = ", ".join(f"{name} ASC NULLS LAST" for name in names)
            tail = f"\nGROUP BY {', '.join(names)}\nORDER BY {order}"
        if self._ask.limit is not None:
            tail += f"\nLIMIT {self._limit(self._ask.limit)}"
        return tail

    def _measure(self, of: Measure) -> str:
        if of.column is None:
            return "count(*)"
        kind = self._columns[of.column].kind
        if of.function == "count":
            self.reading(of.column)
            return f"count({quoted(of.column)})"
        held = self._ordered(of.column)
        own_text = self.reading(of.column).text is not None
        match of.function:
            case "countDistinct":
                return f"count(DISTINCT {held})"
            case "min" | "max" if own_text:
                return f"arg_{of.function}({quoted(self._text(of.column))}, {held})"
            case "min" | "max":
                return shown(kind, f"{of.function}({held})")
            case "sum" if kind == "Decimal" and own_text:
                return self._text_total(of.column, held)
            case "sum" if kind in ("Int", "BigInt", "Decimal"):
                return f"CAST(sum({held}) AS VARCHAR)"
            case "sum" if kind == "Float":
                return f"fsum({held})"
            case _:
                raise NotExactError

    def _text_total(self, name: str, held: str) -> str:
        """The exact sum with the largest scale that the texts have."""
        text = quoted(self._text(name))
        scale = f"max(length(split_part({text}, '.', 2)))"
        total = f"CAST(sum({held}) AS VARCHAR)"
        return f"rtrim(left({total}, length({total}) - {TEXT_SCALE} + {scale}), '.')"

    def _operand(self, operand: Operand, kind: Any, held: Reading, op: str) -> str:
        rounding = _ROUNDING.get(op, "none")
        where: Any = ("const", operand.value) if isinstance(operand, Const) else (
            "param", operand.name
        )  # fmt: skip
        slot = Slot(
            origin=where[0], value=where[1], kind=kind, scale=held.scale or 0,
            rounding=rounding if kind == "Decimal" else "none",
        )  # fmt: skip
        return f"CAST({self._slot(slot)} AS {held.carrier})"

    def true(self, of: Predicate) -> str:
        """A condition that holds for exactly the rows for which the predicate is TRUE."""
        return self._holds(of, wanted=True)

    def _holds(self, of: Predicate, *, wanted: bool) -> str:
        """SQL's TRUE for exactly the rows where the predicate is `wanted`."""
        match of:
            case Always(value=value):
                return "TRUE" if value is wanted else "FALSE"
            case Compare():
                return self._compare(of, wanted=wanted)
            case In():
                return self._in(of, wanted=wanted)
            case IsNull(name=name):
                self.reading(name)
                return f"{quoted(name)} IS {'' if wanted else 'NOT '}NULL"
            case InKeys():
                slots = [
                    Slot(origin="param", value=of.keys.name, part=part, many=True, kind=kind)
                    for part, kind in enumerate(of.kinds)
                ]
                return self._among(of.names, slots, wanted=wanted)
            case And(parts=parts):
                return self._connect(parts, "AND" if wanted else "OR", wanted=wanted)
            case Or(parts=parts):
                return self._connect(parts, "OR" if wanted else "AND", wanted=wanted)
            case Not(part=part):
                return self._holds(part, wanted=not wanted)
            case Related():
                raise NotExactError
            case _:
                assert_never(of)

    def _connect(self, parts: Sequence[Predicate], word: str, *, wanted: bool) -> str:
        if not parts:
            return "TRUE" if word == "AND" else "FALSE"
        return f"({f' {word} '.join(self._holds(part, wanted=wanted) for part in parts)})"

    def _compare(self, of: Compare, *, wanted: bool) -> str:
        column, held = self._exact(of.name)
        if of.op in ("prefix", "contains"):
            if held.carrier != "VARCHAR":
                raise NotExactError
            function = "starts_with" if of.op == "prefix" else "contains"
            found = f"{function}({column}, {self._operand(of.operand, 'String', held, of.op)})"
            return found if wanted else f"NOT {found}"
        op = of.op if wanted else _OPPOSITE[of.op]
        return f"{column} {_OPERATORS[op]} {self._operand(of.operand, of.kind, held, op)}"

    def _in(self, of: In, *, wanted: bool) -> str:
        column, held = self._exact(of.name)
        word = "IN" if wanted else "NOT IN"
        if isinstance(of.operands, Param):
            slot = Slot(
                origin="param", value=of.operands.name, many=True, kind=of.kind,
                scale=held.scale or 0,
            )  # fmt: skip
            listed = f"SELECT unnest(CAST({self._slot(slot)} AS {held.carrier}[]))"
        elif of.operands:
            listed = ", ".join(self._operand(o, of.kind, held, "eq") for o in of.operands)
        else:
            return "FALSE" if wanted else f"{column} IS NOT NULL"
        found = f"{column} {word} ({listed})"
        return found if wanted else f"({column} IS NOT NULL AND {found})"

    def _among(self, names: Sequence[str], slots: Sequence[Slot], *, wanted: bool) -> str:
        """Whether a row's key is among key tuples without nulls; two-valued."""
        columns, lists = [], []
        for name, slot in zip(names, slots, strict=True):
            column, held = self._exact(name)
            here = msgspec.structs.replace(slot, scale=held.scale or 0)
            columns.append(column)
            lists.append(f"unnest(CAST({self._slot(here)} AS {held.carrier}[]))")
        left = columns[0] if len(columns) == 1 else f"({', '.join(columns)})"
        present = " AND ".join(f"{column} IS NOT NULL" for column in columns)
        found = f"{left} IN (SELECT {', '.join(lists)})"
        return f"({present} AND {found})" if wanted else f"NOT ({present} AND {found})"
