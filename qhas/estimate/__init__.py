"""What the simulator says of a network compiled one way or another: no device, no execution, every answer kept."""
