"""Bounds as officers approve them: with the documents and callers that they are about."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from hub.query.limits import Limits
from hub.query.parse import Document, read_document
from hub.query.reveal import Asked, Bound, UseBound, bound_of
from hub.query.widest import operation_names, widest
from policies.circumstances import circumstances
from policies.engine import Engine
from policies.explain import MODES, declared_in_words
from schema.errors import HubError
from schema.graph.build import build_face
from schema.model.subject import Context, Subject


class Agreement(msgspec.Struct, frozen=True, kw_only=True):
    """What is approved: documents, callers, purposes, and the most that comes of them."""

    format: str = "hub-reveal-1"
    documents: tuple[str, ...]
    callers: tuple[Subject, ...]
    purposes: tuple[str, ...] = ()
    """Only these are stated; () = each that a caller may state, and none."""
    operations: tuple[Bound, ...]
    digest: str = ""
    """SHA-256 hex of all the rest; what a signature is over."""


def digest_of(agreement: Agreement) -> str:
    """The digest of everything but the digest itself."""
    plain = msgspec.structs.replace(agreement, digest="")
    return hashlib.sha256(msgspec.json.encode(plain, order="sorted")).hexdigest()


def agreed(
    documents: Iterable[str],
    callers: Iterable[Subject],
    purposes: Iterable[str],
    *,
    engine: Engine,
    limits: Limits,
    begin: float,
) -> Agreement:
    """The bounds of every operation of the documents, by the rules from `begin` on.

    Raises: `HubError` for documents that no caller's schema makes valid in any way, and for
    operations that no variables make right.
    """
    texts, stated = tuple(documents), tuple(purposes)
    # credentials end and are renewed: what they allow does not depend on it
    held = tuple(msgspec.structs.replace(one, expires_at=0.0) for one in callers)
    contexts = [
        circumstances(
            engine.tables,
            engine.grants,
            one,
            begin=begin,
            purposes=stated or None,
            together=engine.joint.conditions,
            delegations=engine.delegations,
        )
        for one in held
    ]
    operations = [
        bound
        for text in texts
        for bound in _bounds(text, list(zip(held, contexts, strict=True)), engine, limits)
    ]
    return Agreement(documents=texts, callers=held, purposes=stated, operations=tuple(operations))


def _bounds(
    text: str,
    callers: Sequence[tuple[Subject, Sequence[Context]]],
    engine: Engine,
    limits: Limits,
) -> Iterator[Bound]:
    read: list[tuple[Subject, Sequence[Context], Document | None, str]] = []
    for subject, contexts in callers:
        face = build_face(engine.catalogue, engine.visible(subject))
        try:
            read.append((subject, contexts, read_document(text, face, limits), ""))
        except HubError as error:
            read.append((subject, contexts, None, error.code))
    valid = next((document for _, _, document, _ in read if document is not None), None)
    digest = hashlib.sha256(text.encode()).hexdigest()
    for name in [None] if valid is None else operation_names(valid):
        asked = [
            Asked(
                subject=subject,
                contexts=contexts,
                widest=None if document is None else widest(document, name, text),
                code=code,
            )
            for subject, contexts, document, code in read
        ]
        yield bound_of(digest, name, asked, engine, groups=limits.max_groups)


def told(agreement: Agreement, place: int) -> Iterator[str]:
    """An agreement as lines of text; `place`: 0 English, 1 Chinese."""
    for bound in agreement.operations:
        name = bound.name or bound.document[:12]
        refused = ", ".join(bound.refused)
        if not bound.open:
            yield (f"{name}: refused ({refused})", f"{name}：拒绝（{refused}）")[place]
            continue
        yield (
            f"{name}: at most {bound.rows} rows and groups in one answer",
            f"{name}：单次结果最多 {bound.rows} 行（含分组）",
        )[place]
        if refused:
            yield (
                f"  refused in some circumstances ({refused})",
                f"  部分情形下拒绝（{refused}）",
            )[place]
        for one in bound.types:
            words = (one.en, one.zh)[place]
            yield (
                f"  {one.type}: at most {one.rows} rows; {words}",
                f"  {one.type}：最多 {one.rows} 行；{words}",
            )[place]
        for use in bound.uses:
            yield f"  {_use(use, place)}"


def _use(use: UseBound, place: int) -> str:
    mode = MODES[use.mode][place]
    at = f"{mode} `{use.coordinate}`" + (f" ({use.function})" if use.function else "")
    codes = ", ".join(use.codes)
    if not use.shown:
        return (f"{at}: not open ({codes})", f"{at}：不开放（{codes}）")[place]
    parts = [" / ".join((one.en, one.zh)[place] for one in use.shown)]
    if use.rows:
        parts.append((f"at most {use.rows} values", f"最多 {use.rows} 个值")[place])
    if use.k is not None:
        parts.append((f"figures over at least {use.k} persons", f"至少 {use.k} 人汇总")[place])
    if use.levels or use.categories:
        told = [*(level for _, level in use.levels), *use.categories, *use.compartments]
        parts.append((f"label {', '.join(told)}", f"分级分类 {', '.join(told)}")[place])
    parts += [declared_in_words(one)[place] for one in use.declassified or ()]
    if use.owner is not None:
        parts.append((f"owner {use.owner}", f"数源部门 {use.owner}")[place])
    named = [one or ("none stated", "未说明")[place] for one in use.purposes]
    parts.append((f"purposes {', '.join(named)}", f"目的 {', '.join(named)}")[place])
    duties = [str(msgspec.to_builtins(one)["type"]) for one in use.obligations]
    if duties:
        parts.append((f"obligations {', '.join(duties)}", f"义务 {', '.join(duties)}")[place])
    if codes:
        parts.append((f"elsewhere {codes}", f"其他情形 {codes}")[place])
    return f"{at}: {'; '.join(parts)}" if place == 0 else f"{at}：{'；'.join(parts)}"
