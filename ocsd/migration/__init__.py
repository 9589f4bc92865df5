"""The move of a site from OCS to ocsd and back: decisions about files, without reading any.

`rewriting` writes a site file that both accept. `entries`, `services`, `node` and `units` judge the
files of an OCS site, `attempt` judges a try beside the running OCS, and `returning` lists the steps
back.
"""
