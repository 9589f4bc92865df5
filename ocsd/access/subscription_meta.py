"""The addresses at which a router tells who subscribes to what: WAMP's subscription meta API."""

from typing import Final

MATCH: Final = "wamp.subscription.match"
GET: Final = "wamp.subscription.get"
LIST_SUBSCRIBERS: Final = "wamp.subscription.list_subscribers"
META_CALLS: Final = frozenset({MATCH, GET, LIST_SUBSCRIBERS})

ON_CREATE: Final = "wamp.subscription.on_create"
ON_SUBSCRIBE: Final = "wamp.subscription.on_subscribe"
ON_UNSUBSCRIBE: Final = "wamp.subscription.on_unsubscribe"
ON_DELETE: Final = "wamp.subscription.on_delete"
META_TOPICS: Final = frozenset({ON_CREATE, ON_SUBSCRIBE, ON_UNSUBSCRIBE, ON_DELETE})
