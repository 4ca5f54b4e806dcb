"""How much of the account goes to which symbol and which strategy, and when that is set anew."""
