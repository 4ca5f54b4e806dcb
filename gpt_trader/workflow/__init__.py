"""The runner and its language; knows steps, knows no trading."""
