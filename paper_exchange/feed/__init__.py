"""Market data of the exchange: where it comes from, its calendar and its clocks."""
