"""A worker's view of the rules in force: looked at often, used only if they verify and fit."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import structlog
from sqlalchemy import Engine

from hub.loading import Loaded, pack_stamps, rules_over
from hub.query.inforce import InForce
from hub.query.limits import Limits
from hub.rollout.active import NOTHING, Active, Released
from hub.rollout.bound import BoundWatch, Covered
from hub.rollout.floors import FloorWatch
from hub.settings import Settings
from policies.engine import Engine as PolicyEngine
from schema.errors import HubError

log = structlog.get_logger("hub.rollout")


class RulesWatch:
    """Which release this worker has to serve; wiring makes the pipelines.

    While the newest release does not verify or fit, every operation is refused: the one before it
    may be looser, and nobody may be served by what was superseded.
    Raises, when made: `HubError` CONFIG_INVALID.
    """

    def __init__(
        self, engine: Engine, settings: Settings, in_force: InForce, clock: Callable[[], float]
    ) -> None:
        self._released = Released(engine, settings.release)
        home = Path(settings.state.directory)
        self._floors = FloorWatch(engine, settings.release, home)
        asked = settings.release.bounds
        self._bounds = BoundWatch(engine, settings.release, home) if asked else None
        self._in_force = in_force
        self._clock = clock
        self._active: Active | None = NOTHING
        self._tried: int | None = None
        self._stated = False
        """Whether floors or bounds were found that are not served under yet."""
        self.epoch = 0
        """The newest that was looked at, whether it could be used or not."""

    def changed(self) -> bool:
        """Look, and whether there is another release to be served. Blocking."""
        try:
            now = self._clock()
            epoch = self._released.epoch(now)
            # each by itself: what one has found must not be lost where the other cannot be read
            self._stated |= self._floors.changed()
            if self._bounds is not None:
                self._stated |= self._bounds.changed(now)
        except HubError as error:
            log.warning("rules.unread", code=error.code)
            return self._stated  # how long that may go on `InForce` knows
        self._in_force.seen()
        if epoch == self._tried:
            return self._stated
        if epoch < self.epoch:
            # fails closed: somebody has put an older database in the place of ours
            self._active, self._tried = None, epoch
            self._in_force.usable = False
            log.error("rules.gone", epoch=epoch, was=self.epoch)
            return False
        return self._read(epoch)

    def _read(self, epoch: int) -> bool:
        try:
            self._in_force.revoke(self._released.revoked())
            self._active = self._released.read(epoch)
        except HubError as error:
            self._active = None
            if error.code != "RULES_UNAVAILABLE":  # that is asked again at the next look
                self._tried = self.epoch = epoch
            self.unfit(error)
            return False
        except Exception as error:
            # fails closed: whatever it was, this worker does not know the rules in force
            log.exception("rules.failed", kind=type(error).__name__)
            self._active = None
            self.unfit(HubError("INTERNAL", "an internal error"))
            return False
        self._tried = self.epoch = epoch
        return True

    def over(self, loaded: Loaded) -> Loaded:
        """The rules in force over what files say.

        Raises: `HubError` RULES_UNAVAILABLE, FLOOR_LOWERED or RELEASE_INVALID where owners have
        signed for more, or `ManyErrors` POLICY_INVALID if the rules do not fit.
        """
        self._floors.check(loaded)
        active = self._active
        if active is None:
            raise HubError("RULES_UNAVAILABLE", "the release in force does not verify")
        if active.packs is None:
            # fails closed: a grant permits by itself, and nobody has released anything yet
            return msgspec.structs.replace(loaded, bundles=[], grants=(), break_glass=())
        if dict(active.packs) != pack_stamps(loaded.packs):
            hint = "release the rules anew, or use the packs they were checked with"
            message = "the rules were released with other rule packs"
            raise HubError("RULES_UNAVAILABLE", message, hint=hint)
        return rules_over(loaded, active.bundles)

    def covered(self, engine: PolicyEngine, limits: Limits) -> Covered | None:
        """Which documents may run under an engine; ``None`` where that is not asked for."""
        if self._bounds is None:
            return None
        return Covered(self._bounds.approved, engine, limits, self._clock())

    def fits(self) -> None:
        """The release is served."""
        self._in_force.usable, self._stated = True, False
        if self.epoch == 0:
            log.warning("rules.none")
        else:
            log.info("rules.activated", epoch=self.epoch)

    def unfit(self, error: HubError) -> None:
        """The release cannot be served."""
        self._in_force.usable, self._stated = False, False
        log.error("rules.unfit", epoch=self.epoch, code=error.code, problem=str(error))
