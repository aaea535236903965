"""Distributed training in several processes with MXNet's parameter server."""
