"""Settings from a YAML file and the environment; every mistake is told with its place."""

from __future__ import annotations

import difflib
import glob
import ipaddress
import os
import typing
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import msgspec

from hub.settings.declared import Settings
from hub.settings.logins import issuer_problems, login_problems
from schema.compose.positions import Block, Leaf, Node, Place, Row, YamlProblem, parse, scalar
from schema.errors import HubError, ManyErrors


def read_settings(path: Path | str | None, environ: Mapping[str, str] = os.environ) -> Settings:
    """The settings of a file with the environment's overrides.

    An override is ``HUB_`` and the keys in capitals joined by two underscores, e.g.
    ``HUB_LISTEN__PORT=9000``, ``HUB_PACKS=plain,cn`` (lists by commas).
    Raises: `HubError` CONFIG_INVALID, or `ManyErrors` with one for every problem.
    """
    file = None if path is None else Path(path).resolve()
    folder = Path.cwd() if file is None else file.parent
    reader = _Reader(folder, "" if file is None else str(file))
    root = Block({}, Place(1, 1)) if file is None else _tree(file)
    _override(root, environ, reader)
    settings: Settings | None = reader.read(root, Settings, "the configuration")
    if settings is not None and not reader.problems:
        _check(settings, root, reader)
    if len(reader.problems) == 1:
        raise reader.problems[0]
    if reader.problems:
        raise ManyErrors("CONFIG_INVALID", reader.problems)
    assert settings is not None  # noqa: S101  # invariant: no value only with a problem
    state = settings.state
    at_home = msgspec.structs.replace(state, directory=str(folder / state.directory))
    return msgspec.structs.replace(settings, state=at_home)


ASSERTIONS = ".assert.yaml"
"""How files of assertions end: they stand beside bundles and are not rules."""


def expand(patterns: Iterable[str]) -> tuple[Path, ...]:
    """The files that the patterns name now, without those of assertions, sorted, each once.

    Raises: `HubError` CONFIG_INVALID for a pattern that names none.
    """
    found: set[str] = set()
    for pattern in patterns:
        names = [
            name
            for name in glob.glob(pattern, recursive=True)  # noqa: PTH207
            if Path(name).is_file() and not name.endswith(ASSERTIONS)
        ]
        if not names:
            raise HubError(
                "CONFIG_INVALID",
                "no file matches the pattern",
                where=pattern,
                hint="patterns are relative to the folder of the configuration file",
            )
        found.update(names)
    return tuple(Path(name) for name in sorted(found))


def _tree(file: Path) -> Block:
    try:
        root = parse(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise HubError(
            "CONFIG_INVALID",
            "the configuration file cannot be read",
            where=str(file),
            hint="name a readable file with `--config`",
            cause=error,
        ) from error
    except UnicodeDecodeError as error:
        raise HubError(
            "CONFIG_INVALID", "not UTF-8", where=f"{file}:1:1", hint="save it again as UTF-8"
        ) from error
    except YamlProblem as problem:
        where = problem.at.in_file(str(file))
        raise HubError("CONFIG_INVALID", problem.message, where=where, hint=problem.hint) from None
    if root is None:
        return Block({}, Place(1, 1))
    if not isinstance(root, Block):
        where = root.at.in_file(str(file))
        hint = "write keys such as `listen:` and `fragments:`"
        raise HubError("CONFIG_INVALID", "the file is not a mapping", where=where, hint=hint)
    return root


class _Reader:
    """Turns trees into values of declared types and gathers what is wrong."""

    def __init__(self, folder: Path, file: str) -> None:
        self.folder = folder
        self.file = file
        self.variables: dict[Place, str] = {}
        """Places of values that stand in the environment."""
        self.problems: list[HubError] = []

    def wrong(self, at: Place, message: str, hint: str) -> None:
        """Gather one problem."""
        where = self.variables.get(at) or at.in_file(self.file)
        self.problems.append(HubError("CONFIG_INVALID", message, where=where, hint=hint))

    def read(self, node: Node, wanted: Any, name: str) -> Any:
        """The node as a value of the wanted type; ``None`` after a problem."""
        meta, kind = _unwrapped(wanted)
        if isinstance(node, Leaf) and node.empty and _nullable(wanted):
            return None
        origin = typing.get_origin(kind)
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
            return self._struct(node, kind, name)
        if origin is tuple:
            items = node.items if isinstance(node, Row) else [node]
            item = typing.get_args(kind)[0]
            values = tuple(self.read(part, item, name) for part in items)
            return self._bounded(values, wanted, node, name)
        if isinstance(origin, type) and issubclass(origin, Mapping):
            return self._mapping(node, *typing.get_args(kind), name=name)
        if not isinstance(node, Leaf):
            self.wrong(node.at, f"`{name}` is not a single value", "write one value")
            return None
        value = self._bounded(_value(node, kind), wanted, node, name)
        return self._placed(value, node, meta)

    def _struct(self, node: Node, kind: type[msgspec.Struct], name: str) -> Any:
        if not isinstance(node, Block):
            self.wrong(node.at, f"`{name}` is not a mapping", "write its keys below it, indented")
            return None
        hints = typing.get_type_hints(kind, include_extras=True)
        values: dict[str, Any] = {}
        before = len(self.problems)
        for key, (at, child) in node.entries.items():
            if key not in hints:
                self.wrong(at, f"unknown key `{key}` in `{name}`", _nearest(key, hints))
                continue
            if isinstance(child, Leaf) and child.empty and not _nullable(hints[key]):
                self.wrong(at, f"`{key}` has no value", "write one, or delete the key")
                continue
            values[key] = self.read(child, hints[key], key)
        for field in msgspec.structs.fields(kind):
            if field.required and field.name not in node.entries:
                hint = f"add `{field.name}:` to it"
                self.wrong(node.at, f"`{name}` lacks `{field.name}`", hint)
        return None if len(self.problems) > before else kind(**values)

    def _mapping(self, node: Node, keys: Any, wanted: Any, *, name: str) -> Any:
        if not isinstance(node, Block):
            self.wrong(node.at, f"`{name}` is not a mapping", "write `key: value` below it")
            return None
        choices = _choices(keys)
        for key, (at, _) in node.entries.items():
            if choices and key not in choices:
                self.wrong(at, f"unknown key `{key}` in `{name}`", _nearest(key, choices))
        return {key: self.read(child, wanted, key) for key, (_, child) in node.entries.items()}

    def _bounded(self, value: Any, wanted: Any, node: Node, name: str) -> Any:
        if isinstance(value, tuple) and any(part is None for part in value):
            return None
        try:
            return msgspec.convert(value, wanted, strict=True)
        except msgspec.ValidationError as error:
            said = str(error).split(" - at `")[0].lower()
            choices = _choices(wanted)
            hint = f"one of {', '.join(choices)}" if choices else f"{said}"
            self.wrong(node.at, f"`{name}` has a wrong value", hint)
            return None

    def _placed(self, value: Any, node: Leaf, meta: str | None) -> Any:
        if not isinstance(value, str) or meta is None:
            return value
        if meta == "url or path" and "://" in value:
            return value
        if meta == "pack" and not value.endswith((".yaml", ".yml")):
            return value
        if meta == "secret":
            head, file = value[:7], value[7:]
            return f"{head}{self.folder / file}" if head == "${file:" else value
        if meta == "network":
            problem = _network_problem(value)
            if problem is not None:
                self.wrong(node.at, *problem)
            return value
        if meta == "webhook":
            if not _private_way(value):
                hint = "write `https://HOST/PATH`; `http:` is for this machine"
                self.wrong(node.at, "not a web address that warnings can be sent to", hint)
            return value
        if meta == "database":
            head, _, rest = value.partition(":///")
            if head == "sqlite" and rest:
                return f"sqlite:///{self.folder / rest}"
            if not value.startswith("postgresql://"):
                hint = "write `sqlite:///PATH` or `postgresql://USER:PASSWORD@HOST/DATABASE`"
                self.wrong(node.at, "not a database the hub can use for its state", hint)
            return value
        return str(self.folder / Path(value).expanduser())


def _private_way(url: str) -> bool:
    """Whether nobody on the way can read or answer what is sent there."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return False
    if not host or parts.username is not None or parts.fragment:
        return False
    return parts.scheme == "https" or (
        parts.scheme == "http" and host in ("localhost", "127.0.0.1", "::1")
    )


def _network_problem(text: str) -> tuple[str, str] | None:
    """What is wrong with a network, and how to mend it."""
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        return "not a network", "write an address and its prefix length, as `10.0.0.0/8`"
    if isinstance(network, ipaddress.IPv6Network) and network.network_address.ipv4_mapped:
        # such addresses are taken as what they stand for: the network would hold nobody
        return "an IPv4 network written as IPv6", "write it as IPv4, as `10.0.0.0/8`"
    try:
        ipaddress.ip_network(text)
    except ValueError:
        return "the network's address has bits beyond its prefix", f"write `{network}`"
    return None


def _unwrapped(wanted: Any) -> tuple[str | None, Any]:
    """The place mark and the bare type of an annotation."""
    if typing.get_origin(wanted) is Annotated:
        inner, *metas = typing.get_args(wanted)
        marks = [m.extra["place"] for m in metas if isinstance(m, msgspec.Meta) and m.extra]
        return (marks[0] if marks else None), inner
    parts = [part for part in typing.get_args(wanted) if part is not type(None)]
    if _nullable(wanted) and len(parts) == 1:
        return _unwrapped(parts[0])
    return None, wanted


def _nullable(wanted: Any) -> bool:
    return type(None) in typing.get_args(wanted)


def _value(leaf: Leaf, kind: Any) -> Any:
    """A leaf as it is meant where this type is wanted: `2026` is a text where texts are asked."""
    if kind is str or (_choices(kind) and leaf.text in _choices(kind)):
        return leaf.text
    value = scalar(leaf)
    return float(value) if kind is float and type(value) is int else value


def _choices(wanted: Any) -> Sequence[str]:
    found: list[str] = []
    if typing.get_origin(wanted) is Literal:
        return [str(choice) for choice in typing.get_args(wanted)]
    for part in typing.get_args(wanted):
        found += _choices(part) if typing.get_origin(part) is not None else ()
    return found


def _nearest(key: str, known: Iterable[str]) -> str:
    names = sorted(known)
    close = difflib.get_close_matches(key, names, n=1)
    return f"did you mean `{close[0]}`?" if close else f"known are {', '.join(names)}"


def _override(root: Block, environ: Mapping[str, str], reader: _Reader) -> None:
    """Put the environment's values into the tree, each at a place of its own."""
    top = set(msgspec.structs.asdict(Settings()))
    for number, (variable, text) in enumerate(sorted(environ.items())):
        keys = variable.removeprefix("HUB_").lower().split("__")
        if not variable.startswith("HUB_") or (len(keys) == 1 and keys[0] not in top):
            continue
        at = Place(0, number + 1)
        reader.variables[at] = variable
        parts: list[Node] = [Leaf(part.strip(), True, at) for part in text.split(",")]
        block = root
        for key in keys[:-1]:
            held = block.entries.get(key)
            inner = held[1] if held and isinstance(held[1], Block) else Block({}, at)
            block.entries[key] = (held[0] if held else at, inner)
            block = inner
        block.entries[keys[-1]] = (at, Row(parts, at) if len(parts) > 1 else parts[0])


def _check(settings: Settings, root: Block, reader: _Reader) -> None:
    """What only several settings together can get wrong."""

    def at(*keys: str) -> Place:
        place, node = root.at, root
        for key in keys:
            entry = node.entries.get(key) if isinstance(node, Block) else None
            if entry is None:
                return place
            place, node = entry[0], entry[1]  # type: ignore[assignment]
        return place

    development = settings.instance.mode == "development"
    if settings.auth.development_issuer is not None and not (
        development and settings.listen.loopback
    ):
        # fails closed: whoever can read its directory can be anybody
        reader.wrong(
            at("auth", "development_issuer"),
            "the development issuer is for a demonstration on one machine",
            "delete it, or set `instance.mode: development` and `listen.host: 127.0.0.1`",
        )
    if not settings.audit.enabled and not development:
        hint = "delete `enabled`, or set `instance.mode: development`"
        reader.wrong(at("audit", "enabled"), "the audit log cannot be switched off", hint)
    for anchor in settings.audit.anchors:
        if (anchor.directory is None) == (anchor.url is None):
            hint = "give `directory` or `url`, one entry for each place"
            reader.wrong(at("audit", "anchors"), "an anchor is one place", hint)
    if (settings.listen.tls_certificate is None) != (settings.listen.tls_key is None):
        hint = "give both `tls_certificate` and `tls_key`, or neither"
        reader.wrong(at("listen"), "a certificate needs its key", hint)
    named: dict[object, str] = {}
    for zone in settings.listen.zones:
        for text in zone.networks:
            network = ipaddress.ip_network(text)
            if named.setdefault(network, zone.name) != zone.name:
                hint = "keep it in one of them; a narrower network may lie inside a wider one"
                reader.wrong(at("listen", "zones"), f"`{network}` is in two zones", hint)
    duties = settings.emergency
    if duties.enabled and duties.use_duty in (duties.declare_duty, duties.review_duty):
        hint = "give `use_duty` a name of its own"
        message = "who breaks the glass would declare the emergency or review it"
        reader.wrong(at("emergency", "use_duty"), message, hint)
    release = settings.release
    ids = [officer.id for officer in release.officers]
    departments = [owner.department for owner in release.owners]
    if len(set(ids)) < len(ids) or len(set(departments)) < len(departments):
        hint = "give each one entry with all its keys"
        reader.wrong(at("release"), "an officer or an owner is declared twice", hint)
    if release.bounds and not release.required:
        # fails closed: nobody would look at approvals
        hint = "set `release.required` too: approvals are looked at with the rules in force"
        reader.wrong(at("release", "bounds"), "approved bounds need signed rules", hint)
    able = sum(not officer.retired for officer in release.officers)
    if release.required and able < max(release.loosening, release.tightening):
        # fails closed: with fewer, nothing could ever be loosened again
        hint = "declare more officers, each with a key of their own"
        reader.wrong(at("release", "required"), "there are too few officers to sign", hint)
    links = [link.name for link in settings.links]
    if len(set(links)) < len(links):
        reader.wrong(at("links"), "a link is declared twice", "keep one of them")
    if settings.instance.name in links:
        hint = "a link names the other hub; give each hub its own `instance.name`"
        reader.wrong(at("links"), "a hub cannot be linked to itself", hint)
    seen: set[str] = set()
    for issuer in settings.auth.issuers:
        if issuer.issuer in seen:
            reader.wrong(at("auth", "issuers"), "an issuer is declared twice", "keep one of them")
        seen.add(issuer.issuer)
    for problem, hint in login_problems(settings):
        reader.wrong(at("auth", "login"), problem, hint)
    for problem, hint in issuer_problems(settings):
        reader.wrong(at("auth", "issuer"), problem, hint)
