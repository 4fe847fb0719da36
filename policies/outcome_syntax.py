"""How outcomes are written: ``allow``, ``redact``, ``{mask: {partial: {keep_last: 4}}}``."""

from __future__ import annotations

from collections.abc import Mapping

from policies.masks import MASKS
from policies.masks.generalise import REGIONS
from policies.masks.keyed import TOKEN_SCOPES
from policies.masks.noise import NOISE_SCOPES
from policies.positions import Block, Leaf, Node, Row, did_you_mean, shown
from policies.reading import Reader
from policies.rule import RuleOutcome
from policies.ruling import Allow, FieldError, Hidden, Masked, Null
from schema.model.scalar import SCALAR_KINDS, ScalarKind

WORDS: Mapping[str, RuleOutcome] = {
    "allow": Allow(),
    "redact": Masked("redact"),
    "null": Null(),
    "error": FieldError(),
    "hidden": Hidden(),
}
OUTCOMES: Mapping[str, tuple[type, ...]] = {
    "permit": (Allow, Masked),
    "forbid": (Null, FieldError, Hidden),
    "require": (Masked, Null),
}
MASK_KEYS: Mapping[str, Mapping[str, str | tuple[str, ...]]] = {
    "partial": {"keep_first": "whole", "keep_last": "whole", "fill": "text"},
    "generalise": {"to": "text", "prefix": "whole", "region": tuple(REGIONS), "parent": "count"},
    "bucket": {"width": "number", "edges": "numbers"},
    "noise": {"epsilon": "number", "bound": "number", "key_scope": NOISE_SCOPES},
    "hash": {"domain": "text", "version": "count"},
    "tokenise": {"key_scope": TOKEN_SCOPES, "domain": "text", "version": "count"},
    "constant": {"value": "text"},
    "redact": {},
    "null": {},
}
"""Mask -> its parameters and how they are written; a tuple is a choice of words."""
_UNKEYED = frozenset({"alg", "algorithm", "digest", "keyed", "salt", "unkeyed", "key"})
_DIGESTS = frozenset({"md5", "sha", "sha1", "sha256", "sha512", "sm3", "digest", "hmac"})
_KEYED_HINT = (
    "a hash without a key is found by trying, so all are keyed, by the hub's own secret and its "
    "`instance.crypto_profile`: write `mask: {hash: {}}`, or `tokenise` for codes of one scope"
)
_SCOPE_HINT = "say within what equal values have equal tokens, e.g. `tokenise: {key_scope: app}`"


def read_outcome(reader: Reader, node: Node, what: str) -> RuleOutcome | None:
    """An outcome."""
    if isinstance(node, Leaf):
        found = WORDS.get(node.text)
        if found is None:
            hint = did_you_mean(node.text, (*WORDS, *MASK_KEYS))
            reader.wrong(node.at, f"{what} cannot be `{shown(node.text)}`", hint)
        return found
    entry = reader.only(node, what, "write `allow`, or `{mask: {partial: {keep_last: 4}}}`")
    if entry is None:
        return None
    word, at, child = entry
    if word == "mask":
        if isinstance(child, Leaf):
            return _mask(reader, child.text, Block({}, child.at), child)
        entry = reader.only(child, what, "write `mask: {partial: {keep_last: 4}}`")
        if entry is None:
            return None
        word, at, child = entry
    return _mask(reader, word, child, Leaf(word, True, at))


def _mask(reader: Reader, name: str, settings: Node, written: Leaf) -> Masked | None:
    known = MASK_KEYS.get(name)
    if known is None:
        hint = _KEYED_HINT if name.lower() in _DIGESTS else did_you_mean(name, MASK_KEYS)
        reader.wrong(written.at, f"there is no mask `{shown(name)}`", hint)
        return None
    if isinstance(settings, Leaf) and settings.empty:
        settings = Block({}, settings.at)
    block = reader.block(settings, f"the mask `{name}`")
    if block is None:
        return None
    params: dict[str, str | int] = {}
    for key, (at, child) in block.entries.items():
        how = known.get(key)
        if how is None:
            message = f"the mask `{name}` has no parameter `{shown(key)}`"
            unkeyed = name in ("hash", "tokenise") and key in _UNKEYED
            reader.wrong(at, message, _KEYED_HINT if unkeyed else _parameter_hint(name, key))
            return None
        value = _param(reader, how, child, f"`{key}` of the mask `{name}`")
        if value is None:
            return None
        params[key] = value
    said = _faulty(name, params)
    if said is not None:
        hint = _SCOPE_HINT if name == "tokenise" and "key_scope" not in params else "mend it"
        reader.wrong(written.at, f"the mask `{name}` is not complete: {said}", hint)
        return None
    return Masked(name, tuple(sorted(params.items())))


def _parameter_hint(name: str, key: str) -> str:
    if name == "hash" and key == "key_scope":
        return "a hash is one for the whole hub; write `tokenise` for codes of one scope"
    return did_you_mean(key, MASK_KEYS[name])


def _param(reader: Reader, how: str | tuple[str, ...], node: Node, what: str) -> str | int | None:
    if isinstance(how, tuple):
        return reader.choice(node, what, how)
    match how:
        case "count":
            return reader.whole(node, what, least=1)
        case "whole":
            return reader.whole(node, what)
        case "number":
            return reader.number(node, what)
        case "numbers":
            items = node.items if isinstance(node, Row) else [node]
            numbers = [reader.number(item, what) for item in items]
            return None if None in numbers else ",".join(str(number) for number in numbers)
        case _:
            return reader.text(node, what)


def _faulty(name: str, params: Mapping[str, str | int]) -> str | None:
    """Why a mask fits no scalar kind at all, ``None`` if it fits one."""
    said = "it fits nothing"
    order: list[ScalarKind] = ["String", "Date", "Decimal"]
    for kind in order:
        if kind not in SCALAR_KINDS:
            continue
        try:
            MASKS[name].output_kind(kind, params)
        except ValueError as problem:
            if not str(problem).startswith(("a ", "it would")):
                said = str(problem)
        else:
            return None
    return said
