"""Alpaca's JSON exactly: what comes in becomes commands, what goes out becomes plain values."""
