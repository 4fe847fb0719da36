"""One run of a plan: params, calls of sources, partial failures, deadline."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, assert_never

import msgspec

from connectors.kit.local import apply
from connectors.kit.norm import Normed
from connectors.kit.together import together
from connectors.spi import Ask, Asker, Batch, Connector
from hub.audit.persons import PersonHashes
from hub.query.combine import concat, distinct_keys, empty_batch, key_column
from hub.query.cursor import Seal
from hub.query.keys import Keyring
from hub.query.loaders import SharedRows
from hub.query.outside import outside
from hub.query.persons import Tally
from hub.query.reach import reaches, too_large
from hub.query.steps import Check, Contested, Fetch, Output, SemiJoin
from policies.masks.keyed import KeyScope
from policies.ruling import Allow, MaskFunction
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
        on_outside: Callable[[Check, str, int], None] | None = None,
        on_differing: Callable[[Any], None] | None = None,
        newest: Callable[[str], float] | None = None,
        whose: PersonHashes | None = None,
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
        self.whose = whose
        """How the audit log names persons whose rows leave; ``None`` = it does not."""
        self.newest = newest or (lambda _source: 0.0)
        """Unix seconds of a source's newest data as last seen; 0 = not known."""
        self.on_differing = on_differing or (lambda _differing: None)
        """Told of `hub.query.contest.Differing`: where sources have different values."""
        self.on_outside = on_outside or (lambda _check, _state, _count: None)
        """Told of values outside a field's norm: how many are in which way."""
        self.on_fetch = on_fetch or (lambda _source, _seconds, _ok: None)


class Run:
    """One run of a plan: its params, what it fetched and what failed."""

    __slots__ = ("as_of", "asker", "call_deadline", "contests", "errors", "holds",
                 "operation_id", "outside", "params", "principal", "purpose", "rows", "shared",
                 "singled", "sources", "subject", "tally", "twins", "world")  # fmt: skip

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
        asker: Asker | None = None,
        holds: Callable[[], None] | None = None,
    ) -> None:
        self.world = world
        self.holds = holds
        """Raises where what the ruling rests on has ended; asked around each call."""
        self.subject = subject
        self.principal = principal
        """For whom the subject acts, if it does."""
        self.purpose = purpose
        self.asker = asker
        """What sources are told that rule on the caller themselves."""
        self.params = params
        self.operation_id = operation_id
        self.call_deadline = deadline
        self.twins = twins
        self.errors: list[dict[str, Any]] = []
        self.rows: dict[str, int] = {}
        self.as_of: dict[str, float] = {}
        """Source -> Unix seconds that it vouches its rows for, the oldest; 0 = it does not say."""
        self.contests: dict[str, list[int | None]] = {}
        """Coordinate that the caller reads as it is -> rows that differ, each time it was compared;
        ``None`` = it could not be."""
        self.outside: dict[tuple[str, ...], Counter[str]] = {}
        """Path of a field that the caller sees as it is -> how many values its norm lacks."""
        self.sources: dict[str, list[Any]] = {}
        self.shared: dict[int, SharedRows] = {}
        self.singled = False
        """Whether some masked value is shared by too few persons for what is declared of it."""
        self.tally: Tally | None = None if world.whose is None else Tally()
        """Where quotas count, and persons whom the audit log lists; else it is not there."""

    @property
    def persons(self) -> list[str]:
        """Whose rows leave, for the audit log."""
        if self.world.whose is None or self.tally is None:
            return []
        return self.tally.listed(self.world.whose)

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

    def compared(self, field: Contested, differ: int | None) -> None:
        """Note for the caller that a field was compared, or could not be."""
        # fails closed: who reads a mask is not told what lies behind it
        if field.shown:
            self.contests.setdefault(field.coordinate, []).append(differ)

    def look(self, output: Output, columns: Mapping[str, Sequence[Any]]) -> None:
        """Count what the norm of a field does not know, for its owner and for who sees it."""
        check = output.check
        assert check is not None  # noqa: S101 - invariant: called where it is
        unread = () if check.unread is None else columns.get(check.unread, ())
        found = outside(check, columns[output.column], unread)
        for state, count in found.items():
            self.world.on_outside(check, state, count)
        if not found or not isinstance(output.outcome, Allow):
            return  # fails closed: what is masked tells nothing of what it stands for
        for path in check.paths:
            self.outside.setdefault(path, Counter()).update(found)
            if found["unread"]:
                error = SourceError("SOURCE_BAD_DATA", f"some values are no {output.kind}")
                self.failed(error, path, check.department)

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
        if self.holds is not None:
            self.holds()
        began = time.perf_counter()
        fine = False
        norm, asked = fetch.norm, fetch.ask
        params: Mapping[str, Any] = self.params
        wanted = keys
        try:
            if norm is not None:
                asked, params, wanted = norm.ask, norm.params_of(params), norm.keys_of(keys)
            batch = await world.reach[fetch.source].fetch(
                fetch.handle,
                keys=wanted,
                params=params,
                deadline=self.call_deadline,
                operation_id=self.operation_id,
                max_rows=world.max_scan_rows,
                caller=self.subject.id,
                asker=self.asker,
            )
            if not batch.rows and not batch.columns:
                batch = empty_batch(asked)
            if fetch.residual is not None:
                if batch.rows > world.max_scan_rows:
                    raise too_large()
                batch = apply(batch, fetch.residual, params, wanted)
            if norm is not None:
                batch = self._normed(norm, fetch.left, batch, keys)
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
        if self.holds is not None:
            self.holds()  # fails closed: it ended while the source was asked
        counted[1] += batch.rows
        held = self.as_of.get(fetch.source, batch.as_of)
        self.as_of[fetch.source] = min(held, batch.as_of)
        return batch

    def _normed(
        self, norm: Normed, left: Ask | None, batch: Batch, keys: Sequence[tuple[Any, ...]]
    ) -> Batch:
        """The rows in the fields' values, and what was left for after that."""
        if left is not None and batch.rows > self.world.max_scan_rows:
            raise too_large()
        batch = norm.batch_of(batch)
        return batch if left is None else apply(batch, left, self.params, keys)

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
