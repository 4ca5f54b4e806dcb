"""Floor 0: frozen values and ports; no input or output, no clock, no framework."""
