"""Start-up before MXNet, argument checks, devices and files, on which the other subpackages build."""
