"""The application's HTTP face: thin over gates, tools and memory; no decision is taken here."""
