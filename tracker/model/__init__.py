"""What all rooms speak of: pings, events, changes, and how they look outside.

It decides nothing and imports no other room.
"""
