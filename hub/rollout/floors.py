"""Owners' signed floors: kept in the hub's database, believed only as far as signatures hold.

They are state of their own, beside fragments and epochs: neither an older fragment nor a
roll-back of rules brings a lower floor back.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
from joserfc.jwk import OKPKey
from sqlalchemy import Engine

from hub.loading import Loaded
from hub.rollout.desk import Desk
from hub.rollout.floor import check_kept, floor_of, lowered
from hub.rollout.floor_values import OwnerFloor
from hub.rollout.reached import MEND, Reached
from hub.rollout.release import canonical, read_signed
from hub.rollout.signature import FLOOR, opened, read_envelope, signed
from hub.rollout.signer import Signers, read_signers
from hub.settings.declared import ReleaseSettings
from hub.store.vouched import Vouched, newest, put, serials
from schema.errors import HubError
from schema.model.names import Coordinate


class Signing(msgspec.Struct, frozen=True, kw_only=True):
    """A floor that was signed, and what of the one before it no longer holds."""

    floor: OwnerFloor
    less: tuple[str, ...]


class SignedFloors:
    """The floors of the departments that are declared as owners; blocking."""

    def __init__(
        self, engine: Engine, settings: ReleaseSettings, signers: Signers, directory: Path
    ) -> None:
        """`directory`: of the hub's state, where it stands how far floors had come."""
        self._engine = engine
        self._departments = frozenset(one.department for one in settings.owners)
        self._signers = signers
        self._reached = Reached(directory, "floor")

    def serials(self) -> Mapping[str, int]:
        """Department -> the number of its newest floor. Raises: `HubError` RULES_UNAVAILABLE."""
        if not self._departments:
            return {}
        held = serials(self._engine, "floor")
        return {name: serial for name, serial in held.items() if name in self._departments}

    def rows(self) -> Mapping[str, Vouched]:
        """Department -> its newest floor as stored. Raises: `HubError` RULES_UNAVAILABLE."""
        if not self._departments:
            return {}
        held = newest(self._engine, "floor")
        return {name: held[name] for name in sorted(held) if name in self._departments}

    def read(self) -> tuple[OwnerFloor, ...]:
        """Every floor that holds. Raises: `HubError` RELEASE_INVALID, RULES_UNAVAILABLE."""
        if not self._departments:
            return ()
        rows = self.rows()
        for name, mark in self._reached.marks().items():
            # fails closed: somebody has put an older database in the place of ours
            if name in self._departments and not mark.reached_by(rows.get(name)):
                raise _misplaced(name)
        floors = tuple(self.opened(row) for row in rows.values())
        self._reached.keep(rows)
        return floors

    def next_serial(self, department: str) -> int:
        """The number of a department's next floor. Raises: `HubError` RELEASE_INVALID,
        RULES_UNAVAILABLE."""
        return self._reached.after(department, self.rows().get(department))

    def opened(self, row: Vouched) -> OwnerFloor:
        """The floor in a row. Raises: `HubError` RELEASE_INVALID."""
        payload, by = opened(read_envelope(row.statement), self._signers, FLOOR)
        floor = read_signed(payload, OwnerFloor)
        # fails closed: each floor holds for its signer's fields, in its place, once
        if [one.signer.who for one in by] != [row.about] or floor.department != row.about:
            raise _misplaced(row.about)
        if floor.serial != row.serial:
            raise _misplaced(row.about)
        return floor


class FloorWatch:
    """A worker's view of the signed floors."""

    def __init__(self, engine: Engine, settings: ReleaseSettings, directory: Path) -> None:
        self._signed = SignedFloors(engine, settings, read_signers(settings), directory)
        self._tried: Mapping[str, int] | None = None
        self._floors: tuple[OwnerFloor, ...] = ()
        self._problem: HubError | None = None

    def changed(self) -> bool:
        """Look, and whether something else was found. Raises: `HubError` RULES_UNAVAILABLE."""
        found = self._signed.serials()
        if found == self._tried:
            return False
        try:
            self._floors = self._signed.read()
        except HubError as error:
            if error.code == "RULES_UNAVAILABLE":
                raise
            self._problem = error
        else:
            self._problem = None
        self._tried = found
        return True

    def check(self, loaded: Loaded) -> None:
        """Refuse what is less than owners have signed.

        Raises: `HubError` FLOOR_LOWERED, RELEASE_INVALID.
        """
        if self._problem is not None:
            raise self._problem
        check_kept(self._floors, loaded.catalogue, loaded.packs, loaded.places)


def floors_of(desk: Desk) -> SignedFloors:
    """The signed floors of a desk's hub."""
    directory = Path(desk.settings.state.directory)
    return SignedFloors(desk.engine, desk.settings.release, desk.signers, directory)


def keep_floors(desk: Desk, loaded: Loaded) -> None:
    """Nothing comes into force over less than owners have signed.

    Raises: `HubError` FLOOR_LOWERED, RELEASE_INVALID, RULES_UNAVAILABLE.
    """
    check_kept(floors_of(desk).read(), loaded.catalogue, loaded.packs, loaded.places)


def sign_floor(desk: Desk, loaded: Loaded, key: OKPKey, *, lower: bool) -> Signing:
    """Sign and keep the floor of the signer's department, as the fragments have it now.

    `lower`: the department means that some of what it signed before no longer holds.
    Raises: `HubError` FLOOR_LOWERED, RELEASE_REFUSED, RULES_UNAVAILABLE.
    """
    signer = desk.signer(key)
    with desk.acts.refusals("floor.signed", signer.who):
        if signer.sort != "owner":
            hint = "let the department sign, with a key under `release.owners`"
            raise HubError("RELEASE_REFUSED", "an officer signs no floor", hint=hint)
        held = floors_of(desk)
        row, serial = held.rows().get(signer.who), held.next_serial(signer.who)
        now = int(desk.now)
        floor = floor_of(
            loaded.catalogue, signer.who, serial=serial, made_at=now, packs=loaded.packs
        )
        less = () if row is None else _less(desk, row, floor, loaded)
        if not floor.fields and row is None:
            message = f"no field of `{signer.who}` is served"
            hint = "add its fragment to the configuration"
            raise HubError("RELEASE_REFUSED", message, hint=hint)
        if less and not lower:
            message = f"this is less than `{signer.who}` has signed: {less[0]}"
            hint = "mend the fragment; or sign it with `--lower`, if that is meant"
            raise HubError("FLOOR_LOWERED", message, hint=hint)
        payload = canonical(floor)
        made = signed(payload, key, purpose=FLOOR, part="owner", at=now, others=None)
        # durable before it holds; if it then does not come to hold, that is on record too
        desk.acts.record(
            "floor.signed", signer.who, digest=hashlib.sha256(payload).hexdigest(),
            details={"serial": serial, "fields": len(floor.fields), "lower": bool(less)},
        )  # fmt: skip
        put(desk.engine, Vouched(
            kind="floor", about=signer.who, serial=serial, statement=made.text(),
            recorded_at=desk.now, recorded_by=signer.who,
        ))  # fmt: skip
    return Signing(floor=floor, less=less)


def _less(desk: Desk, row: Vouched, floor: OwnerFloor, loaded: Loaded) -> tuple[str, ...]:
    """What holds no more of the floor before."""
    try:
        before = floors_of(desk).opened(row)
    except HubError:
        # fails closed: nobody knows what it was, so this may be less
        return ("the one before does not verify",)
    found = [f"`{one.at}`: {one.what}" for one in lowered(before, loaded.catalogue, loaded.packs)]
    gone = sorted(set(before.fields) - set(floor.fields))
    # not less by itself, but it could come back with less
    found += [
        f"`{at}`: it is not served" for at in gone if loaded.catalogue.field(Coordinate(at)) is None
    ]
    return tuple(found)


def told_floors(desk: Desk, loaded: Loaded) -> Sequence[tuple[str, str]]:
    """Every declared department, and in a few words how its floor stands."""
    held = floors_of(desk)
    rows = held.rows()
    told = []
    for department in sorted(one.department for one in desk.settings.release.owners):
        row = rows.get(department)
        if row is None:
            told.append((department, "not signed"))
            continue
        try:
            floor = held.opened(row)
            check_kept((floor,), loaded.catalogue, loaded.packs, loaded.places)
        except HubError as error:
            told.append((department, f"floor {row.serial} is not kept: {error}"))
            continue
        new = len(set(floor_of(loaded.catalogue, department).fields) - set(floor.fields))
        beside = f", {new} fields not in it" if new else ""
        if floor.weighed_by is msgspec.UNSET:
            beside += ", signed without what the rule packs weigh it by: sign it again"
        told.append((department, f"floor {row.serial}, {len(floor.fields)} fields{beside}"))
    return told


def _misplaced(department: str) -> HubError:
    message = f"the signed floor of `{department}` is gone, or not the one for this place"
    return HubError("RELEASE_INVALID", message, hint=MEND)
