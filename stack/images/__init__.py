"""Where the containers' images come from: present, pulled, or built here from distribution packages.

``resolver.Images`` is the door; ``decide`` decides, the rest does. Nothing here may import the Docker SDK, print, or
start a container that outlives the call.
"""
