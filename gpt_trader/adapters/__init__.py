"""Whatever opens a socket or a foreign file."""
