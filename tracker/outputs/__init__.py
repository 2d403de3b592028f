"""Outputs: what somebody is shown of where vehicles are, and how other programs are told. Pure: `now` is an argument.

Who may see what is access; who carries bytes is web.
"""
