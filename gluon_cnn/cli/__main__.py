import sys

from gluon_cnn.cli.main import main

sys.exit(main())
