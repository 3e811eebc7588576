"""A local exchange that speaks the Alpaca API: for the demo, the tests and practice."""
