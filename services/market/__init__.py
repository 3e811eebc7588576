"""Market data of the day: the option chain as it moves, sessions, and what a strategy sees."""
