"""Recorded market data: fetched from a provider, adjusted by name, and checked."""
