"""How true the simulator is: the study's page from the shipped pairs, and the trial of any network."""
