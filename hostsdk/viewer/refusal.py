"""What the viewer says when it cannot go on."""


class Refusal(Exception):
    """An input that cannot be post-processed; the message is one sentence for the user.

    Says what is wrong, where, and what to do. Nothing has been written when it is raised.
    """
