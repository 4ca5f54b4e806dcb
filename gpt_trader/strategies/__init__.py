"""Built-in strategies, found through the same door as those of a user."""
