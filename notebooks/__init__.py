"""The notebooks, as files of a package, so that they are installed along with the rest."""
