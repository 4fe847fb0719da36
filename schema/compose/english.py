"""English plurals and singulars of names, well enough for names of types and root fields."""

from __future__ import annotations

import re
from collections.abc import Callable

_IRREGULAR = {
    "man": "men", "woman": "women", "child": "children", "foot": "feet", "tooth": "teeth",
    "goose": "geese", "mouse": "mice", "ox": "oxen", "medium": "media",
    "criterion": "criteria", "phenomenon": "phenomena", "analysis": "analyses",
    "basis": "bases", "crisis": "crises", "diagnosis": "diagnoses", "thesis": "theses",
    "hypothesis": "hypotheses", "axis": "axes", "index": "indices", "matrix": "matrices",
    "vertex": "vertices", "appendix": "appendices", "leaf": "leaves", "life": "lives",
    "wife": "wives", "knife": "knives", "half": "halves", "shelf": "shelves",
    "wolf": "wolves", "thief": "thieves", "calf": "calves", "loaf": "loaves",
    "quiz": "quizzes", "movie": "movies", "cookie": "cookies", "zombie": "zombies",
    "hero": "heroes", "potato": "potatoes", "tomato": "tomatoes", "echo": "echoes",
    "alumnus": "alumni", "curriculum": "curricula", "cactus": "cacti",
}  # fmt: skip
_SINGULAR_OF = {several: one for one, several in _IRREGULAR.items()} | {
    "people": "person", "indexes": "index", "caches": "cache", "niches": "niche",
    "shoes": "shoe", "toes": "toe", "canoes": "canoe", "axes": "axis", "houses": "house",
    "licenses": "license", "purposes": "purpose", "causes": "cause", "clauses": "clause",
    "warehouses": "warehouse", "courses": "course", "nurses": "nurse", "leases": "lease",
    "aliases": "alias", "gases": "gas", "buses": "bus", "viruses": "virus",
}  # fmt: skip
_SAME = frozenset({
    "data", "series", "species", "sheep", "fish", "deer", "aircraft", "equipment",
    "information", "news", "money", "rice", "staff", "metadata", "feedback", "software",
    "hardware", "evidence", "traffic", "weather", "furniture", "luggage", "advice",
    "knowledge", "research", "music", "gis", "gps", "sms",
})  # fmt: skip
_ENDS_SINGULAR = ("ss", "us", "is", "os", "gas", "alias", "bias", "atlas", "canvas")
_LAST_WORD = re.compile(r"(.*?)([A-Z]?[a-z]+)([0-9_]*)\Z", re.DOTALL)


def plural(name: str) -> str:
    """The plural of a singular name, changing its last word: ``civilCase`` -> ``civilCases``."""
    return _change(name, _plural_word)


def singular(name: str) -> str:
    """The singular of a name, changing its last word; a name already singular stays."""
    return _change(name, _singular_word)


def lower_first(name: str) -> str:
    """``Person`` -> ``person``, ``URLRecord`` -> ``urlRecord``."""
    capitals = len(name) - len(name.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
    count = capitals - 1 if 1 < capitals < len(name) and name[capitals].islower() else capitals
    return name[:count].lower() + name[count:]


def _change(name: str, change: Callable[[str], str]) -> str:
    found = _LAST_WORD.match(name)
    if found is None:
        return change(name)
    before, word, after = found.groups()
    changed = change(word.lower())
    if word[:1].isupper():
        changed = changed[:1].upper() + changed[1:]
    return f"{before}{changed}{after}"


def _plural_word(word: str) -> str:
    if word in _SAME:
        return word
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if re.search(r"(s|x|z|ch|sh)\Z", word):
        return f"{word}es"
    if re.search(r"[^aeiou]y\Z", word):
        return f"{word[:-1]}ies"
    return f"{word}s"


def _singular_word(word: str) -> str:
    if word in _SAME or word in _IRREGULAR:
        return word
    if word in _SINGULAR_OF:
        return _SINGULAR_OF[word]
    if word.endswith("ies") and len(word) > 4:
        return f"{word[:-3]}y"
    if re.search(r"(ss|sh|ch|x|zz|[tpns]us|[^aeiou]ias)es\Z", word):
        return word[:-2]
    if word.endswith("s") and not word.endswith(_ENDS_SINGULAR) and len(word) > 2:
        return word[:-1]
    return word
