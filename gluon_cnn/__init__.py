"""Convolutional networks by hand in MXNet/Gluon: the package behind the course. Its names are in ``__init__.pyi``."""

import lazy_loader
from gluon_cnn._core import startup

__version__ = "0.2.0"

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
