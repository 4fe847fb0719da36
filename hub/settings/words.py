"""The words that settings are written with, and what all their sections have in common."""

from __future__ import annotations

from typing import Annotated

import msgspec

Count = Annotated[int, msgspec.Meta(ge=1)]
Seconds = Annotated[float, msgspec.Meta(gt=0)]
FilePath = Annotated[str, msgspec.Meta(min_length=1, extra={"place": "path"})]
FilePattern = Annotated[str, msgspec.Meta(min_length=1, extra={"place": "path"})]
PackName = Annotated[str, msgspec.Meta(min_length=1, extra={"place": "pack"})]
"""A pack by its name, or by its path if that ends in `.yaml`."""
Network = Annotated[str, msgspec.Meta(min_length=1, extra={"place": "network"})]
WebhookUrl = Annotated[str, msgspec.Meta(min_length=1, max_length=2000, extra={"place": "webhook"})]
OfficerName = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
ZoneName = Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
PlacePrefix = Annotated[str, msgspec.Meta(min_length=1, max_length=2000)]
ReferencePattern = Annotated[str, msgspec.Meta(pattern=r"^(env|file|vault):[^{}$]+$")]
HeaderName = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9-]{1,100}$")]
DutyName = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
DatabaseUrl = Annotated[str, msgspec.Meta(min_length=1, extra={"place": "database"})]


class Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Unknown keys are refused everywhere."""
