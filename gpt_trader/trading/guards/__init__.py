"""The controls of the guard: each is one small class with a code that never changes its meaning."""
