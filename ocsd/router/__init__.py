"""The site's WAMP router: crossbar's configuration, and what listens at an address."""
