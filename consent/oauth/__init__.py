"""The authorization server: apps ask patients, sites and software get tokens (SMART App Launch 2.2, RFC 6749, 9700).

discovery    what we say of ourselves
authorize    the page on which a patient decides
server       the flows, on Authlib
callers      which client is asking, and whether it is that client
assertion    signed client assertions
share_code   a patient's code turned into a token by software
asked        what every authorization request must say
endpoints    token, introspection, revocation
told         what the server says of itself, its keys, and who signed in
identity     the id token
register     apps that register themselves
unknown      everything else below the address, and what goes wrong, in OAuth's words
"""

from flask import Blueprint

blueprint = Blueprint("oauth", __name__, url_prefix="/oauth")
machines = Blueprint("machines", __name__)  # what programs ask: refusals are JSON, never a page
well_known = Blueprint("oauth_well_known", __name__)

from consent.oauth import authorize, endpoints, register, told, unknown  # noqa: E402  they put their routes on the blueprints

blueprint.register_blueprint(machines)

__all__ = ["authorize", "blueprint", "endpoints", "machines", "register", "told", "unknown", "well_known"]
