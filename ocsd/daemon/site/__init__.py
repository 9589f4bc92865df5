"""The daemon among those of the other hosts: one address on the site's router (docs/run/sites.md).

`face` answers what is asked there, and asks others; `link` keeps the address registered; `people`
says who asks, `runs` runs commands for them (`ocsd.status.commands` says which); `others` remembers
the other hosts; `files` takes a new site file. Begin with `face`.
"""
