"""Every parser of what comes from outside, on bytes that nobody wrote: one sentence at most, in bounded time and memory."""
