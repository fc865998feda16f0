"""What prometheus-operator takes of a stack, as pure functions: rules, jobs, receivers, dashboards."""
