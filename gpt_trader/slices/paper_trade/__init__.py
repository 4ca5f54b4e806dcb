"""Trading without money: recorded data is played again, and the desk trades it with every limit on."""
