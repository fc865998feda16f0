"""The file that a backup is: written as its content comes, read with distrust. Knows no engine and no component."""
