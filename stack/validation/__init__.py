"""Configuration files are checked before anything is written: parsers, the products' own tools, our rules."""
