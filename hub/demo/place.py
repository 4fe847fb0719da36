"""Where the sample city lies: in a checkout, or inside the installed wheel."""

from __future__ import annotations

from pathlib import Path


def city_dir() -> Path:
    """The folder with the city's fragments, policies, personas, operations and region data."""
    here = Path(__file__).resolve().parent
    checkout = here.parent.parent / "examples" / "city"
    return checkout if checkout.is_dir() else here / "city"
