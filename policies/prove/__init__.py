"""Proofs over bundles: what holds for every caller, or a caller for whom it does not. Uses z3."""
