"""Strategies over recorded bars, on the desk that also trades paper and live."""
