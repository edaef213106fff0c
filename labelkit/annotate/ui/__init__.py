"""The screens of annotate: terminal, lines, page."""
