"""Screens of graphical user interfaces with a box around every widget, drawn or rendered."""
