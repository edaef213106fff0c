"""Weak supervision: labeling functions and rules vote, a label model combines the votes."""
