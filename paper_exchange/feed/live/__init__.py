"""An upstream's market passed through: Alpaca's, or that of another exchange."""
