"""Reports: what an evaluation or a training run has shown, as one page, and as Markdown, JSON and LaTeX."""
