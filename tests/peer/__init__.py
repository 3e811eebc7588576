"""Alpaca's own package against the exchange: its documents, its MCP server, a fuzzer."""
