"""The evaluate stage: predictions in; metrics, curves and error tables out."""
