"""What a fragment says of another hub's types: by what names its root lists are asked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec

from schema.errors import HubError

Name = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z][A-Za-z0-9_]*\Z", max_length=200)]


class Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One type of the other hub; the table's columns are its fields, where `fields` says nothing
    else."""

    plural: Name
    """The root list."""
    type: Name | None = None
    """The type's name; absent: the table's."""
    fields: Mapping[str, Name] = {}
    """Column -> field, where the two have different names."""
    order: Mapping[str, Name] = {}
    """Field -> its word in `orderBy`, where two fields would have one word."""

    def field(self, column: str) -> str:
        """What the other hub calls a column."""
        return self.fields.get(column, column)


def read_tables(source: str, declared: Mapping[str, Any]) -> dict[str, Table]:
    """Check a fragment's ``tables``; raises ``CONFIG_INVALID``."""
    found = {}
    for name, detail in declared.items():
        try:
            table = msgspec.convert(detail, Table)
            type_ = msgspec.convert(table.type or name, Name)
        except msgspec.ValidationError as error:
            raise HubError(
                "CONFIG_INVALID", f"table `{name}` is not declared rightly", where=source,
                hint=str(error).split(" - at `")[0].lower(),
            ) from None  # fmt: skip
        found[name] = msgspec.structs.replace(table, type=type_)
    return found
