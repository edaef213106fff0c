"""Several sources of labels, one label a row: who says what, how much each counts."""
