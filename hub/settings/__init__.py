"""Typed settings of a hub: `read_settings(path)` gives `Settings`."""

from hub.settings.declared import Settings
from hub.settings.read import expand, read_settings

__all__ = ["Settings", "expand", "read_settings"]
