"""Live trading: what it would need is checked, and said; there is no venue yet that it could trade on."""
