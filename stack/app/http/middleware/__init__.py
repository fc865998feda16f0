"""The layers around every request, outermost first: observe, head, token, deadline, body limit.

Each is plain ASGI in a file of its own and knows nothing of routes or of the domain.
"""
