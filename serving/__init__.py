"""How the processes run: the daemon, the bridge to it, its exchange, the commands."""
