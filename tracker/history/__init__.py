"""Looks back: asks what was stored, and tries again what was decided.

Nothing here changes the live fleet.
"""
