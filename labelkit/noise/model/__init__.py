"""Views that judge labels, and the noise model over them."""
