"""Every parser of outside input, on bytes that no one wrote: at most one sentence, in bounded time and memory."""
