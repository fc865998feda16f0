"""The proof: checks that ask the products themselves and believe only positive evidence."""
