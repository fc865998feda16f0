"""The tools that agents may call, the registry that governs each call, and the audit that remembers it.

`registry.ToolRegistry` dispatches, `builtin.shipped_tools` gives the tools, `audit.AuditSink` keeps the audits
until the packet store has them. It must never know of HTTP.
"""
