"""What makes the names of ``config/names`` that are compiled, and not written by hand."""
