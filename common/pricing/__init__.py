"""Pricing of short-dated options: floats in, floats out, numpy only.

Everything is solved in total volatility s = sigma * sqrt(T), which needs no clock: delta, gamma
and probabilities follow from s alone. Money stays Decimal in one place here, payoff.py.
"""
