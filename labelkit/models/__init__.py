"""train, predict, evaluate."""
