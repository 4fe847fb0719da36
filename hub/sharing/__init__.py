"""Sharing between departments: requests, their owners' answers within a clock, grants."""
