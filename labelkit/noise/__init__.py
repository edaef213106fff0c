"""find-noise: labels that are probably wrong."""
