from gluon_cnn.cli.main import command

command()
