"""Label models: each turns votes into class probabilities."""
