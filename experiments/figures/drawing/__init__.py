"""One module a figure: what `data` says, drawn with matplotlib's Figure objects."""
