"""Images composed by pasting labelled objects of train onto images of train."""
