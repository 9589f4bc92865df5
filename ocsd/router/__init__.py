"""The site's WAMP router: crossbar's configuration, and what listens at an address.

`config` writes crossbar's configuration, `local` finds the socket of a router on this
machine, `probe` asks what listens. The package imports `ocsd.site` and the layers below it.
Begin with `config`.
"""
