"""The gate: is the dataset fit to train on?"""
