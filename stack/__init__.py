"""A monitoring stack that is brought up by one command and proven over the products' own HTTP APIs."""

__version__ = "0.2.0"
