"""Screens that Chromium renders from written pages: the embedded dataset."""
