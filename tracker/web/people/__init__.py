"""Who may come in, over HTTP: sessions, users, groups, tokens, and what was changed by whom.

Nothing of the fleet is told here.
"""
