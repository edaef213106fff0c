"""From replies to labels, confidence and thresholds."""
