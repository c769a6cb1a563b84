"""Screens drawn without a browser: layouts, themes, widgets, fonts and icons."""
