"""Tells: which viewer hears what, in which message, and from where it goes on.

Sockets do not belong here: they are web/live.
"""
