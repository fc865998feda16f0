"""Pages in a real browser: Debian's Chromium without a screen, driven over two pipes."""
