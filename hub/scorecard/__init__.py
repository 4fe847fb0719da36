"""Scorecards of departments and applications, each figure with its formula and its events."""
