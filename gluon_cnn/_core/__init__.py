"""Start-up before MXNet, argument checks, devices, files: what every other room stands on."""
