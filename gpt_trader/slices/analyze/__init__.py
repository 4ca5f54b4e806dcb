"""What the chart shows: swing points, levels, trend and candles."""
