"""A simulated fleet to look at.

Nothing the server needs belongs here.
"""
