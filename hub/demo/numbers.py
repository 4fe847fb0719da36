"""Citizen numbers and unified social credit codes with valid check digits."""

from __future__ import annotations

_CITIZEN_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CITIZEN_CHECKS = "10X98765432"
_CREDIT_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_CREDIT_WEIGHTS = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)


def citizen_number(area: str, birth: str, sequence: int) -> str:
    """18 characters: area (6), birth date YYYYMMDD, sequence (3, odd = male), check digit.

    Source: GB 11643-1999 (ISO 7064 MOD 11-2).
    """
    body = f"{area}{birth}{sequence:03d}"
    total = sum(int(digit) * weight for digit, weight in zip(body, _CITIZEN_WEIGHTS, strict=True))
    return body + _CITIZEN_CHECKS[total % 11]


def citizen_number_is_valid(number: str) -> bool:
    """Whether the check digit fits."""
    return (
        len(number) == 18
        and number[:17].isdigit()
        and citizen_number(number[:6], number[6:14], int(number[14:17])) == number
    )


def credit_code(area: str, body: str) -> str:
    """18 characters: 91 (enterprise), area (6), organisation code (9), check character.

    Source: GB 32100-2015 (ISO 7064 MOD 31-3).
    """
    head = f"91{area}{body}"
    total = sum(
        _CREDIT_ALPHABET.index(character) * weight
        for character, weight in zip(head, _CREDIT_WEIGHTS, strict=True)
    )
    return head + _CREDIT_ALPHABET[(31 - total % 31) % 31]


def credit_code_is_valid(code: str) -> bool:
    """Whether the check character fits."""
    if len(code) != 18 or any(character not in _CREDIT_ALPHABET for character in code):
        return False
    return credit_code(code[2:8], code[8:17]) == code


def organisation_body(number: int) -> str:
    """Nine characters of the code's alphabet for a running number."""
    text = ""
    for _ in range(9):
        number, digit = divmod(number, 31)
        text = _CREDIT_ALPHABET[digit] + text
    return text
