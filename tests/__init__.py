"""Tests see neither the user's home nor the user's data and variables. This runs before any of them is imported."""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

if "GLUON_CNN_TEST_HOME" not in os.environ:  # which parallel workers have from whoever started them
    caches = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"  # of fonts and browsers: they may stay
    home = tempfile.mkdtemp(prefix="gluon_cnn-home-")
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    os.environ.update(HOME=home, XDG_CACHE_HOME=str(caches), GLUON_CNN_TEST_HOME=home)
    for name in list(os.environ):
        if name in ("GLUON_CNN_DATA", "XDG_CONFIG_HOME", "XDG_DATA_HOME") or name.startswith(("MXNET_", "DMLC_")):
            del os.environ[name]
