"""Who may do what, asked once at every door; and what it means when a door stays shut.

What lies behind the doors is not known here.
"""
