import os, sys, time, logging
import django
from django.conf import settings
settings.configure(DEBUG=False, SECRET_KEY="x", ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"], LOGGING_CONFIG=None, INSTALLED_APPS=[], DATABASES={})
from django.http import HttpResponse
from django.urls import path
def ok(request): return HttpResponse("ok")
def bad(request): return HttpResponse(str(1 / int(request.GET.get("n", "0"))))
urlpatterns = [path("ok", ok), path("bad", bad)]
django.setup()
from django.test import Client
h = logging.StreamHandler(sys.stderr)
logging.getLogger("django").addHandler(h)
logging.getLogger("django").setLevel("INFO")
c = Client(raise_request_exception=False)
sys.stderr.write("Watching for file changes with StatReloader\n"); sys.stderr.flush()
for url in ["/ok", "/bad?n=1", "/bad", "/nothing", "/bad?n=x", "/ok"]:
    c.get(url)
    time.sleep(0.03)
sys.stderr.write("Quit the server with CONTROL-C.\n"); sys.stderr.flush()
