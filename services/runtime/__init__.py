"""Everything the desk is made of, built, wired and supervised: one engine for all clients."""

from services.runtime.opening import open_services
from services.runtime.services import Hours, Services

__all__ = ["Hours", "Services", "open_services"]
