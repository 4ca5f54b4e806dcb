"""The local store of downloaded bars: one Parquet file for each provider, symbol and timeframe."""
