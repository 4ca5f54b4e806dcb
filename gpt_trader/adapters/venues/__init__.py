"""Providers that are asked over the network, one page at a time."""
