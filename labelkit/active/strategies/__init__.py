"""Strategies: score(pool, n, rng) gives a number a row of the pool, higher = label first."""
