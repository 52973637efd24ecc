"""Which endpoint is asked next, and what its answer meant. Pure: no socket, no clock, no logging."""
