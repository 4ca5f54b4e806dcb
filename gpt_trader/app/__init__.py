"""The wiring: settings, plugins, and the parts put together."""
