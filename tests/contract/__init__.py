"""The rules of this repository, as tests; they are of the checkout and not part of the artefact."""
