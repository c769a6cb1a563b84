"""Likely label errors, found with out-of-fold predictions."""
