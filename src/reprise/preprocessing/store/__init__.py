"""The dataset on disk: shards and tables; and the cache of processed images."""
