"""The operating system: processes, peers, files, folders, sd_notify and Ctrl-C.

Each module wraps one thing that Linux offers. Everything else in ocsd may import this
package; it imports only `ocsd.errors`. `paths` says where the files of a host are; `proc`
reads the state of a process; `modules` knows the files of loaded modules; `files` replaces
files and reads their ends; `notify` sends and receives the messages of sd_notify(3). Begin
with `paths`.
"""
