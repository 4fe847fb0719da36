"""What the files of the settings say, read and checked as a whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from hub.query.duties import ENFORCED
from hub.query.limits import Limits
from hub.settings import Settings, expand
from policies.breakglass import BreakGlass, widest
from policies.breakglass_syntax import check_break_glass, read_break_glass
from policies.delegation import Delegation
from policies.engine import Engine
from policies.floor import check_floors
from policies.grant import Grant
from policies.grant_syntax import read_all_approved
from policies.obligation import Quota
from policies.packs import Packs, load
from policies.row_label import check_row_labels
from policies.rule import Bundle
from policies.syntax import read_bundle
from policies.together import MosaicUse
from schema.compose.floor import field_places, floor_places
from schema.compose.fragment import read_fragment_bytes
from schema.compose.merge import compose_with_notes
from schema.compose.part import Fragment
from schema.compose.row_label import row_label_places
from schema.errors import HubError, ManyErrors
from schema.model.binding import SourceDecl
from schema.model.catalogue import Catalogue
from schema.model.names import SourceName


class Loaded(msgspec.Struct, kw_only=True):
    """What fragments and bundles say, checked as a whole."""

    catalogue: Catalogue
    packs: Packs
    rules: str
    sources: dict[SourceName, tuple[SourceDecl, Path]]
    bundles: list[Bundle]
    grants: tuple[Grant, ...]
    delegations: tuple[Delegation, ...]
    places: Mapping[tuple[str, str], str]
    """(source, coordinate) of a field -> where it is written."""
    break_glass: tuple[BreakGlass, ...] = ()
    """What could be opened in an emergency; by itself it opens nothing."""
    fragments: tuple[Fragment, ...] = ()
    notes: tuple[HubError, ...] = ()
    """What fragments declare and the catalogue leaves out, and why."""


class Registered(msgspec.Struct, frozen=True, kw_only=True):
    """A fragment that comes from the hub's database."""

    path: str
    """How places in it are told."""
    text: str


def load_files(
    settings: Settings, *, rules: bool = True, registered: Sequence[Registered] = ()
) -> Loaded:
    """Read and check fragments and bundles; raises with every problem, changes nothing.

    Without `rules` no bundle is read: what is in force comes from elsewhere. `registered`: further
    fragments; their paths are absolute, or begin at the folder of the hub's state.
    """
    packs = load(settings.packs)
    fragments, sources = _fragments(settings, registered), {}
    catalogue, notes = compose_with_notes(fragments, packs.scheme, ceiling=settings.ceiling)
    check_floors(catalogue, packs, floor_places(fragments))
    check_row_labels(catalogue, row_label_places(fragments))
    home = Path(settings.state.directory)
    elsewhere = {one.path for one in registered}
    for fragment in fragments:
        name = fragment.source.name
        folder = home if fragment.path in elsewhere else Path(fragment.path).parent
        sources[name] = (catalogue.sources[name], folder)
    check_hubs(sources, settings.instance.name)
    texts = _texts(settings.policies) if rules else []
    bundles = [read_bundle(text, path) for text, path in texts]
    content = rules_text(texts, packs)
    approved = read_all_approved(_texts(settings.grants))
    could_open = read_break_glass(_texts(settings.emergency.lists))
    check_break_glass(could_open, catalogue, packs)
    return Loaded(
        catalogue=catalogue, packs=packs, rules=content, sources=sources, bundles=bundles,
        grants=approved.grants, delegations=approved.delegations, places=field_places(fragments),
        break_glass=could_open, fragments=tuple(fragments), notes=notes,
    )  # fmt: skip


def check_hubs(sources: Mapping[SourceName, tuple[SourceDecl, Path]], own: str) -> None:
    """Raises ``CONFIG_INVALID`` for a hub that would ask itself, or under another's name."""
    for name, (decl, _) in sources.items():
        if decl.kind != "hub":
            continue
        if decl.connect.get("hub") == own:
            raise HubError(
                "CONFIG_INVALID", "a hub cannot be its own source", where=str(name),
                hint="`connect.hub` names the other hub",
            )  # fmt: skip
        if decl.connect.get("as") != own:
            # fails closed: under another name loops would not be seen
            raise HubError(
                "CONFIG_INVALID", "`connect.as` is not the name of this hub", where=str(name),
                hint=f"write `as: {own}`, or change `instance.name`",
            )  # fmt: skip


def _fragments(settings: Settings, registered: Sequence[Registered]) -> list[Fragment]:
    problems: list[HubError] = []
    fragments: list[Fragment] = []
    texts = [(str(file), file.read_bytes()) for file in expand(settings.fragments)]
    texts += [(one.path, one.text.encode()) for one in registered]
    for path, text in texts:
        try:
            fragments.append(read_fragment_bytes(text, path))
        except ManyErrors as error:
            problems.extend(error.problems)
    if problems:
        raise ManyErrors("FRAGMENT_INVALID", problems)
    return fragments


def rules_text(texts: Sequence[tuple[str, str]], packs: Packs) -> str:
    """The rules in force as one text, of which an epoch is the number."""
    # what packs forbid and require is in force too: another text of a pack is another epoch
    stamps = [f"# rule pack {held.pack}: {held.digest}" for held in packs.rules]
    return "\n---\n".join([*(text for text, _ in texts), *stamps])


def _texts(patterns: Sequence[str]) -> list[tuple[str, str]]:
    return [(file.read_text(encoding="utf-8"), str(file)) for file in expand(patterns)]


def rules_over(loaded: Loaded, bundles: Mapping[str, str]) -> Loaded:
    """The same catalogue, packs and grants under other rules, by file name or path; folders do
    not matter.

    Raises: `ManyErrors` POLICY_INVALID for rules that cannot be read.
    """
    problems: list[HubError] = []
    read: list[Bundle] = []
    ordered = sorted(bundles.items(), key=lambda one: (Path(one[0]).name, one[0]))
    for name, text in ordered:
        try:
            read.append(read_bundle(text, name))
        except ManyErrors as error:
            problems.extend(error.problems)
    if problems:
        raise ManyErrors("POLICY_INVALID", problems)
    texts = [(text, name) for name, text in ordered]
    return msgspec.structs.replace(loaded, bundles=read, rules=rules_text(texts, loaded.packs))


def pack_stamps(packs: Packs) -> dict[str, str]:
    """The packs in force, each with the digest of the rules that it has."""
    stamps = {held.pack: held.digest for held in packs.rules}
    return {name: stamps.get(name, "") for name in packs.ids}


def engine_of(loaded: Loaded, settings: Settings, epoch: int) -> Engine:
    """The policy engine of files as loaded; raises `ManyErrors` POLICY_INVALID."""
    return Engine(
        loaded.catalogue,
        loaded.bundles,
        loaded.packs,
        epoch=epoch,
        ceiling=settings.ceiling,
        enforced=ENFORCED | {Quota, MosaicUse},
        grants=loaded.grants,
        delegations=loaded.delegations,
    )


def watched_files(settings: Settings, *, rules: bool = True) -> Sequence[Path]:
    """What is looked at for changes: files, and the folders of patterns."""
    drafts = settings.policies if rules else ()
    patterns = (*settings.fragments, *drafts, *settings.grants, *settings.emergency.lists)
    return sorted({Path(pattern).parent for pattern in patterns if "*" in Path(pattern).name}
                  | {Path(p) for p in patterns if "*" not in Path(p).name})  # fmt: skip


def opened_wide(loaded: Loaded) -> Loaded:
    """As if all that could be opened in an emergency were open: what proofs look at."""
    return msgspec.structs.replace(loaded, grants=(*loaded.grants, *widest(loaded.break_glass)))


def query_limits(settings: Settings) -> Limits:
    """The query path's bounds: the settings where they say, else the defaults."""
    declared = settings.limits
    given = {
        "max_tokens": declared.tokens,
        "max_depth": declared.depth,
        "max_aliases": declared.aliases,
        "max_directives": declared.directives,
        "max_fragments": declared.fragments,
        "max_spreads": declared.spreads,
        "max_fields": declared.fields,
        "max_merges": declared.merges,
        "max_schema_reads": declared.introspection,
        "max_meta_aliases": declared.introspection_aliases,
        "max_terms": declared.terms,
        "max_groups": declared.groups,
        "max_joins": declared.joins,
        "max_fetches": declared.fetches,
        "max_kept_text": declared.kept_text,
        "max_kept_bytes": declared.kept_bytes,
        "max_cost": declared.cost,
        "default_page": declared.page_default,
        "max_page": declared.page_max,
    }
    known = {name: value for name, value in given.items() if value is not None}
    return Limits(**known, lists_persons=settings.audit.persons)
