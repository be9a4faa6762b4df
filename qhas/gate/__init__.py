"""A change of networks judged before it is merged: both sides compiled, estimated and compared here, with no device."""
