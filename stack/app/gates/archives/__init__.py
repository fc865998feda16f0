"""Reading untrusted archives in bounded memory: one reader per format, one budget over all of them.

Readers say what is there; ``extraction`` decides where it goes. Nothing here may write to a disk.
"""
