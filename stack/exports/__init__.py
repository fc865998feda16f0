"""The description in other forms, as pure functions: docker-compose.yml, and what it did as a report."""
