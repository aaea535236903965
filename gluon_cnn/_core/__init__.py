"""Start-up code, argument checks, devices and files: the foundation of the other subpackages."""
