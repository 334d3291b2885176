"""The words that names are assembled from: plain English and common surnames (`data/words.tsv`)."""

from services.wildfires_api.generator.published import table

_words = {row["kind"]: tuple(row["words"].split()) for row in table("words")}

PLACES = _words["places"]
FEATURES = _words["features"]  # a word that stands there more often is drawn more often
SURNAMES = _words["surnames"]
QUALIFIERS = _words["qualifiers"]
ENDINGS = _words["endings"]
NA_LIKE = ("NA", "N/A", "NA", "N/A", "NULL", "NA")  # text that careless readers take for a null
