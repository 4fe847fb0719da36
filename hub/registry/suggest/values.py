"""Whether sampled values show a fact by themselves: check digits and forms."""

from __future__ import annotations

import datetime as dt
import ipaddress
import re
from collections.abc import Callable

_CITIZEN = re.compile(r"[1-9][0-9]{16}[0-9Xx]\Z")
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_MARKS = "10X98765432"
_CREDIT = re.compile(r"[1-9A-Y][1-9][0-9]{6}[0-9A-HJ-NP-RTUW-Y]{10}\Z")
_CREDIT_MARKS = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_MAIL = re.compile(r"[^@\s]{1,64}@[^@\s.]+(\.[^@\s.]+)+\Z")
_CN_MOBILE = re.compile(r"(\+?86[- ]?)?1[3-9][0-9]{9}\Z")
_PHONE = re.compile(r"\+?[0-9][0-9()./ -]{6,22}[0-9]\Z|\([0-9]{2,5}\)[0-9 .-]{5,16}\Z")
_PLATE = re.compile(
    r"[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼][A-Z][A-Z0-9]{5,6}\Z"
)
_MAC = re.compile(r"([0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}\Z")
_CARD = re.compile(r"[3-6][0-9]{14,18}\Z")
_HASH = re.compile(r"\$(2[aby]|argon2id?|5|6|pbkdf2[a-z0-9-]*|scrypt)\$")


def citizen_number(text: str) -> bool:
    """18 places, a real day of birth, the check digit of GB 11643-1999 (ISO 7064, MOD 11-2)."""
    if not _CITIZEN.match(text):
        return False
    try:
        dt.date(int(text[6:10]), int(text[10:12]), int(text[12:14]))
    except ValueError:
        return False
    total = sum(weight * int(digit) for weight, digit in zip(_WEIGHTS, text, strict=False))
    return _MARKS[total % 11] == text[17].upper()


def credit_code(text: str) -> bool:
    """18 places of GB 32100-2015 with its check character (MOD 31-3)."""
    if not _CREDIT.match(text):
        return False
    total = sum(
        _CREDIT_MARKS.index(char) * pow(3, place, 31) for place, char in enumerate(text[:17])
    )
    return _CREDIT_MARKS[(31 - total % 31) % 31] == text[17]


def card_number(text: str) -> bool:
    """15 to 19 digits with the check digit of ISO/IEC 7812-1 (Luhn)."""
    plain = text.replace(" ", "").replace("-", "")
    if not _CARD.match(plain):
        return False
    doubled = [int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(plain))]
    return sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0


def network_address(text: str) -> bool:
    """An IP or MAC address."""
    if _MAC.match(text):
        return True
    if "." not in text and ":" not in text:
        return False
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def phone(text: str) -> bool:
    """A Chinese mobile number, or digits set apart as telephone numbers are."""
    if _CN_MOBILE.match(text):
        return True
    digits = sum(char.isdigit() for char in text)
    apart = any(char in "+()- ./" for char in text)
    return bool(_PHONE.match(text)) and apart and 7 <= digits <= 15 and not _date_like(text)


def _date_like(text: str) -> bool:
    return bool(
        re.match(r"[0-9]{4}[-/.][0-9]{1,2}[-/.][0-9]{1,2}|[0-9]{1,2}[./][0-9]{1,2}[./]", text)
    )


CHECKS: dict[str, tuple[Callable[[str], bool], float, str]] = {
    "citizen-number": (citizen_number, 0.98, "pass the check digit of GB 11643"),
    "credit-code": (credit_code, 0.97, "pass the check character of GB 32100"),
    "bank-card": (card_number, 0.8, "pass the check digit of ISO/IEC 7812"),
    "email": (lambda text: bool(_MAIL.match(text)), 0.95, "have the form of e-mail addresses"),
    "phone": (phone, 0.75, "have the form of telephone numbers"),
    "plate": (lambda text: bool(_PLATE.match(text)), 0.9, "have the form of number plates"),
    "network": (network_address, 0.9, "are network addresses"),
    "secret": (lambda text: bool(_HASH.match(text)), 0.97, "have the form of password hashes"),
}
"""Fact -> whether a value shows it, what that is worth when all do, and how it is told."""
