"""A hundred days of the desk on the stepped exchange: `make burn-in`."""
