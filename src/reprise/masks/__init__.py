"""Object masks: COCO run lengths, and masks at other sizes."""
