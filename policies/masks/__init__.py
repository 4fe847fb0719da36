"""Mask functions by name: each keeps the scalar kind, the length and null, and never raises."""

from __future__ import annotations

from collections.abc import Mapping

from policies.masks.bucket import Bucket
from policies.masks.constant import Constant, Nothing, Redact
from policies.masks.generalise import Generalise
from policies.masks.keyed import Hash, Keyed, Tokenise
from policies.masks.noise import Noise
from policies.masks.partial import Partial
from policies.ruling import MaskFunction

__all__ = ["KEYED", "MASKS"]

KEYED: Mapping[str, Keyed] = {mask.name: mask for mask in (Hash(), Tokenise(), Noise())}
MASKS: Mapping[str, MaskFunction] = {
    mask.name: mask for mask in (Partial(), Generalise(), Bucket(), Redact(), Constant(), Nothing())
} | dict(KEYED)
