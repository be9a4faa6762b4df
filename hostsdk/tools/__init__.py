"""The SDK's command lines: each parses, checks, hands native work to a child, and moves the results into place."""
