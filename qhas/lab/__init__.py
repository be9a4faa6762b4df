"""A site at work: the devices it lends, the networks it has fetched, and the order in which cells run."""
