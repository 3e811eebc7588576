"""Deterministic simulation: one seed, one process, the exchange's own code, every invariant."""
