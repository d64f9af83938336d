"""What reads foreign bytes, each with the errors it may end in: for hypothesis in the suite, for atheris on purpose."""
