"""The description in other forms, as pure functions: docker-compose.yml."""
