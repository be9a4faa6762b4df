"""The fake tools themselves: standard library only, copied into every fake SDK and run in isolation.

Nothing here may import from outside this package, because the copy runs without a site directory.
"""
