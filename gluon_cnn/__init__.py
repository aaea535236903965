"""The course's package: convolutional networks in MXNet/Gluon. Its names are listed in ``__init__.pyi``."""

import lazy_loader
from gluon_cnn._core import startup

__version__ = "0.2.0"

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
