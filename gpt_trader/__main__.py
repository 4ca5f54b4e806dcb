"""Lets `python -m gpt_trader` be the same command as `gpt-trader`."""

from gpt_trader.cli.main import main

if __name__ == "__main__":
    main()
