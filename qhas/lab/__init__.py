"""A site at work: what it lends, what it has fetched, in which order cells run."""
