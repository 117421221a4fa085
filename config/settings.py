"""The one settings file. Two lives, told apart by the environment alone.

Nothing set: *embedded*. SQLite in DATA_DIR, cache in memory, background work over files in DATA_DIR, secrets made on
first start. DATABASE_URL and REDIS_URL set: production. Each NAME may be given as NAME_FILE, a path to a file that
holds the value.
"""

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from config import keyfiles, languages, logs
from config.environment import env, local_url, mail, networks, number, postgresql, sqlite, text, words
from credentials.rules import Method

BASE_DIR = Path(__file__).resolve().parent.parent
# --- Where we are -----------------------------------------------------------------------------------------------------

DATA_DIR = keyfiles.private_directory(Path(text("DATA_DIR", str(BASE_DIR / "var"))).resolve())
DATABASE_URL = text("DATABASE_URL")
REDIS_URL = text("REDIS_URL")
EMBEDDED = not (DATABASE_URL or REDIS_URL)
DEBUG = env.bool("DEBUG", default=False)

HOST = text("HOST", "127.0.0.1")
PORT = number("PORT", 8000)


# Issuer and links come from here, never from a request's Host header.
PUBLIC_URL = text("PUBLIC_URL", local_url(HOST, PORT)).rstrip("/")
_public = urlsplit(PUBLIC_URL)
if _public.scheme not in {"http", "https"} or not _public.hostname or _public.query or _public.fragment:
    raise ImproperlyConfigured("PUBLIC_URL must be an http(s) address without query and fragment")
HTTPS = _public.scheme == "https"

ALLOWED_HOSTS = words("ALLOWED_HOSTS", ["localhost", "127.0.0.1", "[::1]", _public.hostname])
CSRF_TRUSTED_ORIGINS = [f"{_public.scheme}://{_public.netloc}"]

# --- Secrets: three kinds, none derived from another ------------------------------------------------------------------

_secrets = DATA_DIR / "secrets"
# Names of the secrets that were not handed to us but made here; a production check looks at it.
GENERATED_SECRETS = [name for name in ("SECRET_KEY", "TOKEN_HASH_KEYS", "KEY_ENCRYPTION_KEYS") if not text(name)]

SECRET_KEY = text("SECRET_KEY") or keyfiles.kept_secret(_secrets / "secret_key", keyfiles.new_secret_key)
TOKEN_HASH_KEYS: list[bytes] = keyfiles.hash_keys(
    text("TOKEN_HASH_KEYS") or keyfiles.kept_secret(_secrets / "token_hash_keys", keyfiles.new_hash_key)
)
KEY_ENCRYPTION_KEYS: list[tuple[str, bytes]] = keyfiles.encryption_keys(
    text("KEY_ENCRYPTION_KEYS") or keyfiles.kept_secret(_secrets / "key_encryption_keys", keyfiles.new_encryption_key)
)
_all_keys = [SECRET_KEY.encode(), *TOKEN_HASH_KEYS, *(key for _, key in KEY_ENCRYPTION_KEYS)]
if len(set(_all_keys)) != len(_all_keys):
    raise ImproperlyConfigured("SECRET_KEY, TOKEN_HASH_KEYS and KEY_ENCRYPTION_KEYS must all differ")

# --- What the portal decides with -------------------------------------------------------------------------------------

ACCESS_TOKEN_LIFETIME_SECONDS = number("ACCESS_TOKEN_LIFETIME_SECONDS", 30 * 60, least=1)
REFRESH_TOKEN_LIFETIME_SECONDS = number("REFRESH_TOKEN_LIFETIME_SECONDS", 7 * 24 * 3600, least=1)
REFRESH_RETRY_WINDOW_SECONDS = number("REFRESH_RETRY_WINDOW_SECONDS", 10)
ALLOW_NEVER_EXPIRING_JWT = env.bool("ALLOW_NEVER_EXPIRING_JWT", default=True)
# Logins (S1, S2): how long a refresh key may live at most, whether it is renewed, and in which last part of its life.
REFRESH_TOKEN_MAXIMUM_LIFETIME_SECONDS = number("REFRESH_TOKEN_MAXIMUM_LIFETIME_SECONDS", 365 * 24 * 3600, least=1)
REFRESH_KEYS_REFRESHABLE = env.bool("REFRESH_KEYS_REFRESHABLE", default=True)
RENEWAL_LAST_PERCENT = number("RENEWAL_LAST_PERCENT", 100)
PERSONAL_TOKEN_LIFETIME_SECONDS = number("PERSONAL_TOKEN_LIFETIME_SECONDS", 90 * 24 * 3600, least=1)
PERSONAL_TOKEN_MAXIMUM_LIFETIME_SECONDS = number("PERSONAL_TOKEN_MAXIMUM_LIFETIME_SECONDS", 366 * 24 * 3600, least=1)
ONE_SESSION_PER_DEVICE = env.bool("ONE_SESSION_PER_DEVICE", default=False)
PORTAL_AUDIENCE = f"{PUBLIC_URL}/api"  # what an access token of a login is for, where nothing else is named
REVOKED_RETENTION_SECONDS = number("REVOKED_RETENTION_SECONDS", 30 * 24 * 3600)

# Where verify may learn which proxy is asked for. The header alone by default: the others can be written by the client.
VERIFY_SOURCES = words("VERIFY_SOURCES", ["header"])
if unknown := set(VERIFY_SOURCES) - {"header", "path", "query"}:
    raise ImproperlyConfigured(f"VERIFY_SOURCES knows header, path and query, not {', '.join(sorted(unknown))}")

# host: good verifications are kept for seconds in each web process, and never past a change (docs/verify-cache.md).
VERIFY_CACHE = text("VERIFY_CACHE", "off")
if VERIFY_CACHE not in {"off", "host"}:
    raise ImproperlyConfigured("VERIFY_CACHE is off or host")
if VERIFY_CACHE == "host" and not DATABASE_URL:
    raise ImproperlyConfigured("VERIFY_CACHE=host needs PostgreSQL: it asks it who else is connected")
VERIFY_CACHE_MAX_SECONDS = number("VERIFY_CACHE_MAX_SECONDS", 5, least=1, most=5)

TRUSTED_PROXIES = networks("TRUSTED_PROXIES")  # networks whose X-Forwarded-For and X-Forwarded-Proto are believed
TRUSTED_GATEWAYS = networks("TRUSTED_GATEWAYS")  # networks whose forwarded URI and client certificate are believed
# Who may see /healthz, /readyz and /metrics; for everybody else there are no such pages. With a port of their own they
# are there alone, on a listener that config/webserver.py opens.
MONITORING_NETWORKS = networks("MONITORING_NETWORKS", ["127.0.0.0/8", "::1/128"])
MONITORING_PORT = number("MONITORING_PORT", 0)
CLIENT_CERTIFICATE_HEADER = text("CLIENT_CERTIFICATE_HEADER")  # empty: off
if not all(mark.isascii() and (mark.isalnum() or mark == "-") for mark in CLIENT_CERTIFICATE_HEADER):
    raise ImproperlyConfigured("CLIENT_CERTIFICATE_HEADER is the name of a header, such as X-Client-Certificate")

# The root of the addresses at which an edge takes client certificates, if it is not PUBLIC_URL's own (RFC 8705, 5).
CLIENT_CERTIFICATE_URL = text("CLIENT_CERTIFICATE_URL").rstrip("/")
if CLIENT_CERTIFICATE_URL and not urlsplit(CLIENT_CERTIFICATE_URL).hostname:
    raise ImproperlyConfigured("CLIENT_CERTIFICATE_URL must be an https address")

# How clients may prove themselves here; each credential may be narrowed further. R16: name the last three alone.
CLIENT_AUTH_METHODS = words("CLIENT_AUTH_METHODS", list(Method))
if unknown := set(CLIENT_AUTH_METHODS) - set(Method):
    raise ImproperlyConfigured(f"CLIENT_AUTH_METHODS knows {', '.join(Method)}; not {', '.join(sorted(unknown))}")
# How much of a caller's address the request log keeps: 24 and 48 leave the network, 0 nothing. Default: all of it.
LOG_ADDRESS_PREFIX_V4 = number("LOG_ADDRESS_PREFIX_V4", 32, most=32)
LOG_ADDRESS_PREFIX_V6 = number("LOG_ADDRESS_PREFIX_V6", 128, most=128)
CORS_ORIGINS = words("CORS_ORIGINS")  # origins whose pages may call login and read the JWKS; none by default
TOKEN_RATE_LIMIT_PER_MINUTE = number("TOKEN_RATE_LIMIT_PER_MINUTE", 600)  # for each address; 0: off
LOGIN_FAILURES_ALLOWED = number("LOGIN_FAILURES_ALLOWED", 10)  # for one name from one address; 0: any number
LOGIN_FAILURE_WINDOW_SECONDS = number("LOGIN_FAILURE_WINDOW_SECONDS", 900, least=1)
PASSWORD_LINK_LIFETIME_SECONDS = number("PASSWORD_LINK_LIFETIME_SECONDS", 3 * 24 * 3600, least=1)
# Who must have a second factor: staff (all who may enter the admin) or names of groups; superusers where there is any.
SECOND_FACTOR_REQUIRED = words("SECOND_FACTOR_REQUIRED")
CLIENT_RATE_LIMIT_PER_MINUTE = number("CLIENT_RATE_LIMIT_PER_MINUTE", 600)  # for each client, from wherever; 0: off

# --- Applications -----------------------------------------------------------------------------------------------------

INSTALLED_APPS = [
    "proxies",
    "credentials",
    "tokens",
    "config.apps.PortalAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "csp",
]
AUTH_USER_MODEL = "credentials.User"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "config.languages.LanguageOfScreens",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "config.second_factor.SecondFactorFirst",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "config.errors.StorageAway",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
            "libraries": {"portal": "proxies.adminkit.tags"},
        },
    }
]

LANGUAGE_CODE = "en"
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"
LOCALE_PATHS = [BASE_DIR / "locale"]
LANGUAGES = languages.offered(LOCALE_PATHS)

# --- Database ---------------------------------------------------------------------------------------------------------


DATABASES = {
    "default": {
        **(postgresql(DATABASE_URL) if DATABASE_URL else sqlite(DATA_DIR / "latchkey.sqlite3")),
        # The core opens its transactions itself: a refusal must be able to keep its log row.
        "ATOMIC_REQUESTS": False,
    }
}

# --- Cache and background work ----------------------------------------------------------------------------------------

if REDIS_URL:
    _cache: dict[str, Any] = {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "OPTIONS": {"socket_connect_timeout": 0.1, "socket_timeout": 0.1},
    }
else:
    _cache = {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
CACHES = {"default": {**_cache, "KEY_PREFIX": text("CACHE_KEY_PREFIX", "latchkey")}}

if REDIS_URL:
    CELERY_BROKER_URL = REDIS_URL
    CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, Any] = {"visibility_timeout": 600, "socket_connect_timeout": 3}
else:
    CELERY_BROKER_URL = "filesystem://localhost"
    _queue = {name: DATA_DIR / "queue" / name for name in ("messages", "control")}
    for _folder in _queue.values():
        keyfiles.private_directory(_folder)
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "data_folder_in": str(_queue["messages"]),
        "data_folder_out": str(_queue["messages"]),
        "control_folder": str(_queue["control"]),
    }
    CELERY_WORKER_ENABLE_REMOTE_CONTROL = False  # its broadcast would pile up as files that no one reads

# Tasks are sweeps that may be lost or run twice; a message is only a hint and JSON only.
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_SERIALIZER = "json"
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_PUBLISH_RETRY = False  # a hint that cannot be sent is dropped; the next tick does the work
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULE_FILENAME = str(DATA_DIR / "beat")

# How often each job runs; CLEAN_TOKENS_EVERY_SECONDS and so on say otherwise.
JOB_EVERY_SECONDS = {
    name: number(f"{name.upper()}_EVERY_SECONDS", seconds, least=1)
    for name, seconds in {
        "clean_tokens": 300,
        "bulk_work": 10,
        "expire_licences": 300,
        "rotate_signing_keys": 3600,
        "seal_log": 300,
        "check_log": 3600,
        "roll_up_log": 120,
        "take_figures": 50,
        "remind_owners": 3600,
        "deliver_reminders": 30,
        "forget_silent_instances": 24 * 3600,
        "forget_job_runs": 24 * 3600,
        "forget_kept_answers": 3600,
    }.items()
}
JOB_HISTORY_DAYS = number("JOB_HISTORY_DAYS", 14, least=1)
# When a job is due is known by the database (proxies/jobs.py); beat only says "look". So nothing is late by more than a
# tick, whatever beat, broker or worker went through. `expires`: ticks missed while no worker ran don't pile up.
JOB_TICK_SECONDS = number("JOB_TICK_SECONDS", 10, least=1)
CELERY_BEAT_SCHEDULE: dict[str, dict[str, Any]] = {
    "start the jobs that are due": {
        "task": "proxies.tasks.tick",
        "schedule": float(JOB_TICK_SECONDS),
        "options": {"expires": JOB_TICK_SECONDS},
    }
}

# --- Reminders: by mail and to webhooks -------------------------------------------------------------------------------

# smtp+tls://user:password@host:587 and the like; consolemail: or filemail:///folder to see them. Empty: no mail.
_mail = text("EMAIL_URL")
MAIL_IS_ON = bool(_mail)
vars().update(mail(_mail))
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = SERVER_EMAIL = text("EMAIL_FROM") or f"latchkey@{_public.hostname}"
# Host names and networks inside that webhooks may be at. Without it they reach what everybody can reach, and no more.
WEBHOOK_ALLOWED_HOSTS = words("WEBHOOK_ALLOWED_HOSTS")
WEBHOOK_ALLOW_HTTP = env.bool("WEBHOOK_ALLOW_HTTP", default=False)
REMINDER_HISTORY_DAYS = number("REMINDER_HISTORY_DAYS", 400, least=40)

# --- Who signs in, and what a browser may do --------------------------------------------------------------------------

PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "admin:login"

SESSION_COOKIE_NAME = "latchkey_session"
SESSION_COOKIE_AGE = 12 * 3600
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = HTTPS
CSRF_COOKIE_NAME = "latchkey_csrf"
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SECURE = HTTPS

# https is known by the server's own `wsgi.url_scheme`: gunicorn believes X-Forwarded-Proto from TRUSTED_PROXIES only,
# so there is no SECURE_PROXY_SSL_HEADER here that would believe it from anyone.
SECURE_SSL_REDIRECT = HTTPS
SECURE_HSTS_SECONDS = number("SECURE_HSTS_SECONDS", 31_536_000 if HTTPS else 0)
SECURE_HSTS_INCLUDE_SUBDOMAINS = env.bool("SECURE_HSTS_INCLUDE_SUBDOMAINS", default=HTTPS)
SECURE_HSTS_PRELOAD = env.bool("SECURE_HSTS_PRELOAD", default=HTTPS)
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
# A form of this portal is small. What is larger is refused before it is parsed.
DATA_UPLOAD_MAX_MEMORY_SIZE = 1_048_576
DATA_UPLOAD_MAX_NUMBER_FIELDS = 2_000

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
    }
}

# --- Static files -----------------------------------------------------------------------------------------------------

STATIC_URL = "/static/"
STATIC_ROOT = Path(text("STATIC_ROOT", str(DATA_DIR / "static")))
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

# --- REST -------------------------------------------------------------------------------------------------------------

REST_FRAMEWORK = {
    # JSON alone: the browsable API breaks under the strict policy.
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    # Closed unless a view opens itself: an access token of a login, or the admin's session.
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "tokens.api.authentication.LoginTokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "EXCEPTION_HANDLER": "config.errors.exception_handler",
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_SCHEMA_CLASS": "proxies.restkit.schema.PortalSchema",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
# The management API takes personal access tokens as well. Named apart, so that no other door takes one by default.
MANAGEMENT_AUTHENTICATION = [
    "tokens.api.authentication.PersonalTokenAuthentication",
    *REST_FRAMEWORK["DEFAULT_AUTHENTICATION_CLASSES"],
]
API_DOCS_PUBLIC = env.bool("API_DOCS_PUBLIC", default=False)  # /api/schema/ and /api/docs/ without a login
SPECTACULAR_SETTINGS = {
    "TITLE": "Latchkey",
    "DESCRIPTION": (
        "Who holds which token for which API proxy. docs/api.md leads through it by task.\n\n"
        "* **Get in.** `POST /api/auth/login` answers an access token for half an hour; with it "
        "`POST /api/v1/personal-tokens/` makes a token for a program. Show either as `Authorization: Bearer <token>`. "
        "On this page your session of the admin counts.\n"
        "* **Lists** are pages: `next` is the address of the following one. An unknown filter is refused.\n"
        "* **What is edited** has a version: send its `ETag` as `If-Match`.\n"
        "* **What ends tokens or access** answers its impact with `?dry_run=1` and wants `confirm` to be done.\n"
        "* **What may be sent twice** carries an `Idempotency-Key`.\n"
        "* **Refusals** are problem details (RFC 9457): `code` is for machines, `detail` for people.\n\n"
        "The OAuth endpoints (token, revoke, introspect, verify) are described by their metadata."
    ),
    "VERSION": "0.1.0",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": r"/api/(v1/)?",
    "COMPONENT_SPLIT_PATCH": False,  # what a PATCH takes has a shape of its own
    "ENUM_NAME_OVERRIDES": {
        "EnvironmentKind": "proxies.models.Environment.Kind",
        "FamilyKind": "tokens.models.TokenFamily.Kind",
        "KeyKind": "credentials.models.CredentialKey.Kind",
        "ReminderKind": "tokens.models.Reminder.Kind",
        "ScopeMatch": "proxies.models.ScopeMatch",
        "VerifierKind": "tokens.models.LegacyVerifier.Kind",
    },
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
}

# --- Logs -------------------------------------------------------------------------------------------------------------

LOGGING = logs.configuration()
