"""What a reader takes for one character: base letters with their marks, flags, joined emoji."""

from __future__ import annotations

import re
import unicodedata

_SIMPLE = re.compile(r"[ -~·㐀-䶿一-鿿]*\Z")
_JOINER = "‍"


def simple(text: str) -> bool:
    """Whether each code point is surely a character of its own."""
    return _SIMPLE.match(text) is not None


def graphemes(text: str) -> list[str]:
    """The text cut into user-perceived characters.

    Source: Unicode UAX #29, without the rules for Hangul jamo and Indic conjuncts.
    """
    if simple(text):
        return list(text)
    found: list[str] = []
    flag_open = False
    for char in text:
        flag = "\U0001f1e6" <= char <= "\U0001f1ff"
        joined = bool(found) and (
            _extends(char)
            or found[-1].endswith(_JOINER)
            or (flag and flag_open)
            or (char == "\n" and found[-1] == "\r")
        )
        if joined:
            found[-1] += char
        else:
            found.append(char)
        flag_open = flag and not (joined and flag_open)
    return found


def _extends(char: str) -> bool:
    if char == _JOINER or "\U0001f3fb" <= char <= "\U0001f3ff":
        return True
    return char > "̀" and unicodedata.category(char) in ("Mn", "Mc", "Me")
