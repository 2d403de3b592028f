"""The live channel over WebSocket, Server-Sent Events and polling.

What is told does not belong here: that is tracker/live.
"""
