"""Which strategy to trade now, judged by what was known at the moment of decision."""
