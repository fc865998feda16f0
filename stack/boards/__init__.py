"""Dashboards that are not the bundle's: what people bring, and what is made from the metrics of a job. Pure."""
