"""Orders: the one place where inputs are put in a row, made durable and then visible.

It decides nothing itself: that is fleet/.
"""
