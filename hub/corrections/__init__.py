"""Doubts about values: reported, looked into by the authoritative department, told with answers."""
