"""Checks for the exercises, one file a lesson."""
