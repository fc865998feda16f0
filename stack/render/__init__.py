"""Files: the native configuration read from disk, validated, and the generated ones written or checked."""
