"""What keeps a lab going: room in the store, a healthy rack, a doctor."""
