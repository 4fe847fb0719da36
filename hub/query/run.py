"""One run of a plan: params, calls of sources, partial failures, deadline."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, assert_never

import msgspec

from connectors.kit.local import apply
from connectors.kit.together import together
from connectors.spi import Batch, Connector
from hub.query.combine import concat, distinct_keys, empty_batch, key_column
from hub.query.cursor import Seal
from hub.query.keys import Keyring
from hub.query.loaders import SharedRows
from hub.query.persons import Tally
from hub.query.reach import reaches, too_large
from hub.query.steps import Fetch, SemiJoin
from policies.masks.keyed import KeyScope
from policies.ruling import MaskFunction
from schema.errors import HubError, SourceError
from schema.model.names import SourceName
from schema.model.predicate import Const, Operand
from schema.model.subject import Subject

PARTIAL_KINDS = frozenset({"source", "capacity"})
PARTIAL_CODES = frozenset({"FILTER_TOO_BROAD", "SCAN_TOO_LARGE", "TOO_MANY_GROUPS"})


class World:
    """What every run of every plan shares: the sources, the masks, the seal and the bounds."""

    def __init__(
        self,
        connectors: Mapping[SourceName, Connector],
        masks: Mapping[str, MaskFunction],
        seal: Seal,
        *,
        keys: Keyring | None = None,
        max_scan_rows: int = 200_000,
        max_filter_keys: int = 50_000,
        deadlines: Mapping[SourceName, float | None] | None = None,
        on_failure: Callable[[str, BaseException], None] | None = None,
        on_fetch: Callable[[str, float, bool], None] | None = None,
    ) -> None:
        self.connectors = connectors
        self.reach = reaches(connectors, deadlines or {})
        self.masks = masks
        self.seal = seal
        self.keys = keys
        """Without a keyring, keyed masks show nothing."""
        self.max_scan_rows = max_scan_rows
        self.max_filter_keys = max_filter_keys
        self.on_failure = on_failure or (lambda _source, _cause: None)
        self.on_fetch = on_fetch or (lambda _source, _seconds, _ok: None)


class Run:
    """One run of a plan: its params, what it fetched and what failed."""

    __slots__ = ("call_deadline", "errors", "operation_id", "params", "principal",
                 "purpose", "rows", "shared", "singled", "sources", "subject", "tally", "twins",
                 "world")  # fmt: skip

    def __init__(
        self,
        world: World,
        subject: Subject,
        params: dict[str, Any],
        *,
        operation_id: str,
        deadline: float,
        twins: Mapping[int, int],
        purpose: str | None = None,
        principal: Subject | None = None,
    ) -> None:
        self.world = world
        self.subject = subject
        self.principal = principal
        """For whom the subject acts, if it does."""
        self.purpose = purpose
        self.params = params
        self.operation_id = operation_id
        self.call_deadline = deadline
        self.twins = twins
        self.errors: list[dict[str, Any]] = []
        self.rows: dict[str, int] = {}
        self.sources: dict[str, list[Any]] = {}
        self.shared: dict[int, SharedRows] = {}
        self.singled = False
        """Whether some masked value is shared by too few persons for what is declared of it."""
        self.tally: Tally | None = None
        """Where quotas count; it is there only for operations that have some."""

    def size(self, operand: Operand) -> int:
        """A page size, already checked by the parser."""
        value = operand.value if isinstance(operand, Const) else self.params[operand.name]
        return int(value)

    def scope_value(self, scope: KeyScope) -> str | None:
        """Whose keys a scope's masks have in this run; ``None`` = nobody's."""
        whose = self.principal or self.subject
        match scope:
            case "app":
                return whose.app
            case "department":
                return whose.department
            case "purpose":
                return self.purpose
            case "hub" | "grant":
                return None
            case _:
                assert_never(scope)

    def failed(self, error: HubError, path: Sequence[str], department: str | None) -> None:
        """Note a partial failure; the value there becomes null."""
        extensions: dict[str, Any] = {
            "code": error.code,
            "retryable": error.info.retryable,
        }
        if department is not None and error.info.kind in PARTIAL_KINDS:
            extensions["department"] = department
        entry = {"message": error.message, "path": list(path), "extensions": extensions}
        if error.hint:
            extensions["hint"] = error.hint
        if entry not in self.errors:
            self.errors.append(entry)

    async def fetch(self, fetch: Fetch, keys: Sequence[tuple[Any, ...]] | None = None) -> Batch:
        """Carry out a fetch: key sets first, keys in chunks, then what the connector left over."""
        if fetch.empty or (keys is not None and not keys):
            return self._nothing(fetch)
        if fetch.semijoins:
            await together([self._key_set(join) for join in fetch.semijoins])
        if keys is None or len(keys) <= fetch.max_keys:
            return await self._call(fetch, keys or ())
        chunks = [keys[i : i + fetch.max_keys] for i in range(0, len(keys), fetch.max_keys)]
        return concat(await together([self._call(fetch, chunk) for chunk in chunks]))

    def _nothing(self, fetch: Fetch) -> Batch:
        empty = empty_batch(fetch.ask)
        if fetch.ask.aggregate is None:
            return empty
        columns = {column.name: () for column in (*fetch.ask.columns, *fetch.ask.known)}
        bare = msgspec.structs.replace(fetch.ask, must=None, wish=None)
        return apply(Batch(columns, 0), bare, self.params, ())

    async def _key_set(self, join: SemiJoin) -> None:
        batch = await self.fetch(join.fetch)
        values = key_column(batch.columns, join.columns)
        keys = distinct_keys(values, len(join.columns) == 1)
        if len(keys) > self.world.max_filter_keys:
            raise HubError(
                "FILTER_TOO_BROAD",
                "a filter across sources matches too many keys",
                hint="narrow the condition on the related type",
            )
        self.params[join.param] = keys

    async def _call(self, fetch: Fetch, keys: Sequence[tuple[Any, ...]]) -> Batch:
        world = self.world
        counted = self.sources.get(fetch.source)
        if counted is None:
            counted = self.sources[fetch.source] = [0, 0, True]
        counted[0] += 1
        if fetch.down:
            counted[2] = False
            raise SourceError("SOURCE_UNAVAILABLE", "the source did not answer")
        began = time.perf_counter()
        fine = False
        try:
            batch = await world.reach[fetch.source].fetch(
                fetch.handle,
                keys=keys,
                params=self.params,
                deadline=self.call_deadline,
                operation_id=self.operation_id,
                max_rows=world.max_scan_rows,
                caller=self.subject.id,
            )
            if not batch.rows and not batch.columns:
                batch = empty_batch(fetch.ask)
            if fetch.residual is not None:
                if batch.rows > world.max_scan_rows:
                    raise too_large()
                batch = apply(batch, fetch.residual, self.params, keys)
            fine = True
        except HubError:
            counted[2] = False
            raise
        except Exception as error:  # noqa: BLE001 - a connector may be anybody's code
            counted[2] = False
            world.on_failure(fetch.source, error)
            raise SourceError("SOURCE_UNAVAILABLE", "the source did not answer") from None
        finally:
            world.on_fetch(fetch.source, time.perf_counter() - began, fine)
        counted[1] += batch.rows
        return batch

    async def by_key(self, fetch: Fetch, keys: Sequence[tuple[Any, ...]]) -> Batch:
        """A keyed fetch of at most one row per key, shared with its equals."""
        twin = self.twins.get(fetch.id)
        if twin is None or not keys:
            return await self.fetch(fetch, keys)
        shared = self.shared.get(twin)
        if shared is None:
            shared = self.shared[twin] = SharedRows(
                lambda wanted: self.fetch(fetch, wanted), fetch.ask.key_columns
            )
        batch = await shared.rows(keys)
        return batch if batch.columns else empty_batch(fetch.ask)


def partial(error: HubError) -> None:
    """Raise on when the error is not one that a null can stand for."""
    if error.info.kind not in PARTIAL_KINDS and error.code not in PARTIAL_CODES:
        raise error
