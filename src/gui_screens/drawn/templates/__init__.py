"""Whole screens: each template lays out one kind of page."""
