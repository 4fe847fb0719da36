"""Bounds on what one operation may ask, with safe defaults."""

from __future__ import annotations

import msgspec


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Every bound is checked before any source is called, but for the number of groups."""

    max_tokens: int = 10_000
    max_depth: int = 20
    """Levels of selection sets, fragments expanded."""
    max_aliases: int = 100
    max_repeats: int = 50
    """How often one response key may be repeated in a selection set."""
    max_directives: int = 50
    max_fragments: int = 100
    """Named fragments of a document."""
    max_spreads: int = 500
    """Spreads of named fragments in a document."""
    max_fields: int = 5_000
    """Selections of a document with every fragment expanded where it is spread."""
    max_merges: int = 20_000
    """Pairs of selections that share one response key and have to be compared with each other."""
    max_meta_aliases: int = 2
    """Response keys of one introspection field in one place; ``__type`` may have five times as
    many."""
    max_schema_reads: int = 4
    """How many standard introspection queries one introspection may be worth."""
    max_cost: int = 200_000
    """Static cost, see `hub.query.cost`."""
    max_page: int = 1_000
    default_page: int = 50
    max_groups: int = 1_000
    """Groups of one ``groupBy``; more are refused, never cut."""
    max_joins: int = 40
    """Relations fetched in one statement; further ones are fetched by key."""
    max_fetches: int = 250
    """Fetches of one plan."""
    max_filter_nodes: int = 500
    max_in_values: int = 1_000
    max_terms: int = 100
    """Values of ``orderBy`` and ``groupBy``."""
    max_errors: int = 20
    lists_persons: bool = False
    """Plans tell whose rows leave, for the audit log: keys of persons are fetched with their rows,
    and the hub writes those rows itself."""
    max_kept_text: int = 32_768
    """Characters of a document that is kept; a longer one is read afresh each time."""
    max_kept_bytes: int = 256_000_000
    """About what documents and plans take that are kept, for all callers of one worker."""
