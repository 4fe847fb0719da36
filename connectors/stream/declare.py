"""What a stream source declares: where its server is, and which events make which table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any, TypeVar

import msgspec

from schema.errors import HubError

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=500)]
Name = Annotated[str, msgspec.Meta(pattern=r"^[^\s.*>/\\]{1,200}$")]
Seconds = Annotated[float, msgspec.Meta(gt=0, le=86_400)]
_Made = TypeVar("_Made")


class _Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Unknown keys are refused everywhere."""


class Tls(_Section, frozen=True, kw_only=True):
    """Whose certificates count, and which one is shown; paths of PEM files."""

    ca: Text | None = None
    certificate: Text | None = None
    key: Text | None = None


class Server(_Section, frozen=True, kw_only=True):
    """The `connect` of a fragment."""

    url: Text
    """``nats://host:4222`` or ``tls://host:4222``; several by commas."""
    user: Text | None = None
    password: Text | None = None
    token: Text | None = None
    credentials: Text | None = None
    """A file with a user's JWT and seed."""
    tls: Tls | None = None
    max_silence: Seconds = 60.0
    """Seconds without a word of the server after which the source counts as away."""


class Events(_Section, frozen=True, kw_only=True):
    """One of the `tables` of a fragment."""

    stream: Name
    subject: Text = ">"
    """Only events of subjects like this; ``*`` stands for one token, ``>`` for all further ones."""
    key: Annotated[tuple[Text, ...], msgspec.Meta(min_length=1, max_length=8)]
    """The properties of an event's data that say which row it is about."""
    deleted: tuple[Text, ...] = ("*.deleted",)
    """Types of events after which there is no such row; ``*`` stands for anything."""
    max_rows: Annotated[int, msgspec.Meta(ge=1, le=5_000_000)] = 200_000


def read_server(source: str, declared: Mapping[str, Any], resolve: Callable[[str], str]) -> Server:
    """Check a fragment's `connect`, secrets put in; raises `HubError` CONFIG_INVALID."""
    server = _read(source, "connect", declared, Server)
    tls = server.tls
    if tls is not None:
        tls = msgspec.structs.replace(tls, **_resolved(tls, resolve))
    made = msgspec.structs.replace(server, **{**_resolved(server, resolve), "tls": tls})
    schemes = {url.partition("://")[0] for url in made.url.split(",")}
    if not schemes <= {"nats", "tls"}:
        hint = "write `nats://HOST:4222` or `tls://HOST:4222`"
        message = "a stream source has a `url` that is none"
        raise HubError("CONFIG_INVALID", message, where=source, hint=hint)
    if sum(way is not None for way in (made.user, made.token, made.credentials)) > 1:
        hint = "keep one of `user`, `token` and `credentials`"
        message = "a stream source says more than one way to log in"
        raise HubError("CONFIG_INVALID", message, where=source, hint=hint)
    return made


def _resolved(held: msgspec.Struct, resolve: Callable[[str], str]) -> dict[str, str]:
    values = msgspec.structs.asdict(held)
    return {name: resolve(value) for name, value in values.items() if isinstance(value, str)}


def read_tables(source: str, declared: Mapping[str, Any]) -> dict[str, Events]:
    """Check a fragment's `tables`; raises `HubError` CONFIG_INVALID."""
    if not declared:
        hint = "say for each table `{stream: NAME, key: [...]}`"
        raise HubError("CONFIG_INVALID", "a stream source has no `tables`", where=source, hint=hint)
    return {name: _read(source, f"table `{name}`", d, Events) for name, d in declared.items()}


def _read(source: str, what: str, held: Any, kind: type[_Made]) -> _Made:
    try:
        return msgspec.convert(held, kind)
    except msgspec.ValidationError as error:
        hint = "see the page on connectors for what a stream source may say"
        message = f"{what} is not declared rightly: {error}"
        raise HubError("CONFIG_INVALID", message, where=source, hint=hint) from None
