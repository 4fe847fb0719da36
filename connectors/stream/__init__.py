"""Streams of change events as tables: the latest value of each key."""
