"""The report: a page, a Markdown file and a summary, made of what the stages left."""
