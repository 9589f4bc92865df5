"""The words of a command line: options that commands share, and completion in the shell.

The room imports `talk`, but only when the tab key is pressed. Begin with `options`.
"""
