"""What an answer tells in its extensions because the request asks for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hub.query.run import Run


def wished(wants: frozenset[str], run: Run) -> Mapping[str, Any]:
    """The entries of ``extensions``, only of what the answer itself shows."""
    told: dict[str, Any] = {}
    if "norms" in wants:
        told["norms"] = {".".join(path): dict(found) for path, found in run.outside.items()}
    return told
