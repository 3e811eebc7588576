"""Who is calling, and which account is theirs."""
