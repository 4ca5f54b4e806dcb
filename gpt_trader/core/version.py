"""Which version of the program this is; the distribution takes it from here."""

VERSION = "0.1.0"
