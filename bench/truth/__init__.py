"""How true the simulator is: the page generated from the shipped pairs, and the trial of any network."""
