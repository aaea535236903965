"""Checks for the exercises, one file per lesson."""
