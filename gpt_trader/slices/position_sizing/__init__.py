"""How much to trade."""
