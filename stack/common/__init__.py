"""What every stage uses: the tree of errors, waiting, YAML, small file operations. It imports nothing else of ours."""
