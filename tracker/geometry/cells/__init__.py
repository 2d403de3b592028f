"""The cell index: which of many shapes cover a place, for one place or for whole arrays.

What covers is said by the shapes.
"""
