"""Every enforcement point, in the order in which an operation meets them."""

from __future__ import annotations

from tests.mutation.acting import DELEGATIONS
from tests.mutation.answering import FETCHED, SHOWN
from tests.mutation.asking import ASKED, BOUNDED
from tests.mutation.auditing import AUDITED
from tests.mutation.bounding import APPROVED
from tests.mutation.breaking import BROKEN, DOUBTED
from tests.mutation.combining import COMBINED
from tests.mutation.counting import COUNTS, RECORDING
from tests.mutation.deciding import MANDATORY, RULES, SUBTLE
from tests.mutation.doors import CREDENTIALS, DOORS, REGISTERED
from tests.mutation.flooring import FLOORED
from tests.mutation.granting import GRANTS
from tests.mutation.linking import LINKED
from tests.mutation.point import Point
from tests.mutation.raising import LABELLED, RAISED
from tests.mutation.registering import REGISTRATION
from tests.mutation.releasing import RELEASED, SERVED_RULES, SIGNED
from tests.mutation.sharing import SHARING
from tests.mutation.telling import TOLD
from tests.mutation.visiting import VISITED
from tests.mutation.warning import WARNED

GROUPS: tuple[tuple[str, tuple[Point, ...]], ...] = (
    ("Who asks", CREDENTIALS),
    ("Log-ins, sessions and the hub's own tokens", VISITED),
    ("Callers of other hubs", LINKED),
    ("What is registered", REGISTERED),
    ("Mandatory checks", MANDATORY),
    ("Rules", RULES),
    ("What a field that is not shown must not tell", SUBTLE),
    ("Grants", GRANTS),
    ("Whoever acts for another", DELEGATIONS),
    ("Break-glass", BROKEN),
    ("Labels of some rows, and ages", RAISED),
    ("Several fields together", COMBINED),
    ("Signatures on releases", SIGNED),
    ("What comes into force", RELEASED),
    ("What is served of it", SERVED_RULES),
    ("Owners' signed floors", FLOORED),
    ("Approved bounds of documents", APPROVED),
    ("Sources that are registered", REGISTRATION),
    ("Requests for shares", SHARING),
    ("Early warnings", WARNED),
    ("Doubts about values", DOUBTED),
    ("What an operation asks", ASKED),
    ("What an operation may cost", BOUNDED),
    ("Rows", FETCHED),
    ("What is shown", SHOWN),
    ("What is told beside the data", TOLD),
    ("The label of an answer", LABELLED),
    ("Quotas", COUNTS),
    ("Recording", RECORDING),
    ("Doors, cursors, caches and the record", DOORS),
    ("The audit log", AUDITED),
)
POINTS: tuple[Point, ...] = tuple(point for _, points in GROUPS for point in points)
