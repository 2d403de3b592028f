"""Delivery: targets are told where vehicles are as they move. What is told and when is decided in outputs, of whom in
access; here are the clock, the addresses that may be asked, and the connections.
"""
