"""Alpaca's REST paths: one module a resource, each handing a table of routes to app."""
