"""The fake tools themselves: standard library only, laid down as a copy in every fake SDK and run isolated.

Nothing here may import from outside this package, because the copy runs without a site directory.
"""
