"""Searches for the parameters of a strategy, judged on bars that the search did not see."""
