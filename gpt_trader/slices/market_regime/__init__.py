"""In which kind of market a symbol is, by what was known at the time."""
