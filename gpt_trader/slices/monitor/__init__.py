"""What happened, told so that a trader understands it; and whether the machine is well."""
