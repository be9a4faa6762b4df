"""Judge a change of networks before it is merged: compile, estimate and compare both sides here, with no device."""
