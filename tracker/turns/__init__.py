"""Whose turn it is: long work in slices, heavy work in a queue, lanes that begin again, who is let in and how often.

What the work is does not belong here.
"""
