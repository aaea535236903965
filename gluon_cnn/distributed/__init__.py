"""Training in several processes, on MXNet's parameter server."""
