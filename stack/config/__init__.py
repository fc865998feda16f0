"""Where settings, native files and the stack's own state come from."""
