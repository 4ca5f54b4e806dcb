"""Market data from outside: recorded files, the bundled sample, a generator, and their replay."""
