"""The memory substrate: packets, the stores that keep them, and their upkeep.

`opening.open_store` gives a store, `substrate.Substrate` keeps it in order.
It must never know of HTTP, tools or agents.
"""
