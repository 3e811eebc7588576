"""Alpaca's WebSockets: the order stream and the market data streams."""
