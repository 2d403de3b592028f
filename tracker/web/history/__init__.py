"""What is asked of the past over HTTP: a file a question. What is computed for it lies in `tracker/history`, and what
addresses, parameters and answers have in common in `web/api`.
"""
