"""The instrumented application: gates, tools, memory and a thin HTTP layer; it must never import the orchestrator."""
