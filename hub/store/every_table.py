"""All tables of the Hub's own database: their modules, imported."""

from __future__ import annotations

from hub.store import emergency_tables, share_tables, warning_tables
from hub.store.tables import metadata

METADATA = metadata
MODULES = (emergency_tables, share_tables, warning_tables)
