"""Trends: samples summed up in bins on absolute time, so that years are drawn at once.

The files are described in docs/reference/trend.md. `levels`, `bins` and `texts` are pure;
`format` is the file, `build` makes the content of one from a G3 file or from other trends, and
`places` says where it stands. Begin with `bins`.
"""
