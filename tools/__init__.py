"""The MCP face of the desk: thin tools over services, grouped by what they touch."""
