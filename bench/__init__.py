"""Benchmarks: ratios against hand-written baselines, measured interleaved in one run."""
