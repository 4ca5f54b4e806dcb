"""The inner loops of sweeps in plain Python. `make schemas` makes `loops.ll` of them, to be compiled where it runs."""
