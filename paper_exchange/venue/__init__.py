"""The one writer: commands to decisions to commits to whoever waits."""
