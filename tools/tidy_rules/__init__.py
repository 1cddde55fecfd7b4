"""The rules of tools/tidy: one module a concern, each with RULES (names) and check(tree) -> findings."""
