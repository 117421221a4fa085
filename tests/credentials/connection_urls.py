"""The portal's addresses together with those of this floor."""

from config.urls import urlpatterns as portal
from credentials.urls import urlpatterns as floor

urlpatterns = [*floor, *portal]
