"""What others publish about companies and the economy, from one provider of such data."""
