"""What knows the insides of the HTTP server, and the two ways to answer.

No route lives here.
"""
