"""Reading what a profile says from its files, without a store or a run."""
