"""What the router must know of each provider: one small module each, and how to reach one. Pure."""

from auriga_router.providers.facts import Provider
from auriga_router.providers.llama_server import LLAMA_SERVER
from auriga_router.providers.site import Site, site

__all__ = ["LLAMA_SERVER", "Provider", "Site", "site"]
