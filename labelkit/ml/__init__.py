"""Features, classifiers, model files, learning curves."""
