"""What owners are reminded of, where it is sent to, and how far each sending is (D34, D43)."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class Webhook(models.Model):
    """An address that is told of every reminder, signed with a secret of its own (Standard Webhooks)."""

    name = models.CharField(_("name"), max_length=100, unique=True)
    identifier = models.CharField(max_length=32, unique=True, help_text=_("What its sealed secrets are bound to."))
    url = models.CharField(
        _("address"), max_length=500, help_text=_("May hold a secret, so that lists show its host alone.")
    )
    sealed_secret = models.BinaryField()
    sealed_earlier_secret = models.BinaryField(null=True)
    earlier_secret_until = models.DateTimeField(
        _("earlier secret until"), null=True, blank=True, help_text=_("Until then the earlier secret signs as well.")
    )
    created_at = models.DateTimeField(_("created at"))
    paused_at = models.DateTimeField(_("paused at"), null=True, blank=True)
    paused_by = models.CharField(_("paused by"), max_length=150, blank=True, default="")
    archived_at = models.DateTimeField(_("archived at"), null=True, blank=True)

    class Meta:
        verbose_name = _("webhook")
        verbose_name_plural = _("webhooks")
        default_permissions = ("add", "view", "change")
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class Reminder(models.Model):
    """One thing that comes to its end, or grows old, at one stage: the database says that it is told once."""

    class Kind(models.TextChoices):
        CREDENTIAL = "credential_expires", _("Credential expires")
        SECRET = "secret_retires", _("Client secret retires")
        CERTIFICATE = "certificate_expires", _("Client certificate expires")
        GRANT = "grant_expires", _("Grant expires")
        LICENCE = "licence_ends", _("Licence ends")
        CONNECTION_TOKEN = "connection_token_ages", _("Connection token is to be rotated")
        REFRESH_KEY = "refresh_key_expires", _("Refresh key expires")
        PERSONAL_TOKEN = "personal_token_expires", _("Personal access token expires")

    class Stage(models.TextChoices):
        MONTH = "month", _("Within 30 days")
        WEEK = "week", _("Within 7 days")
        DAY = "day", _("Within a day")
        RECOMMENDED = "recommended", _("Rotation recommended")
        OVERDUE = "overdue", _("Rotation overdue")

    event_id = models.CharField(
        _("event id"), max_length=40, unique=True, help_text=_("The same each time it is sent.")
    )
    kind = models.CharField(_("kind"), max_length=30, choices=Kind)
    stage = models.CharField(_("stage"), max_length=12, choices=Stage)
    subject_id = models.BigIntegerField()
    subject_name = models.CharField(_("subject"), max_length=255)
    screen = models.CharField(max_length=60, help_text=_("The screen that shows the subject."))
    screen_id = models.BigIntegerField(help_text=_("Its number there."))
    due_at = models.DateTimeField(_("due"), help_text=_("When it ends, or when it came of this age."))
    owner_name = models.CharField(_("owner"), max_length=150, blank=True, default="")
    owner_email = models.CharField(_("owner e-mail"), max_length=254, blank=True, default="")
    created_at = models.DateTimeField(_("created at"))
    addressed_at = models.DateTimeField(null=True, help_text=_("When its deliveries were written."))

    class Meta:
        verbose_name = _("reminder")
        verbose_name_plural = _("reminders")
        default_permissions = ("view", "change")
        ordering = ("-id",)
        constraints = (
            # What is extended comes to another end, and is reminded of again.
            models.UniqueConstraint(fields=("kind", "subject_id", "stage", "due_at"), name="one_reminder_of_a_stage"),
        )
        indexes = (
            models.Index(fields=("id",), condition=Q(addressed_at=None), name="reminders_to_address"),
            models.Index(fields=("created_at",), name="reminders_by_age"),
        )

    def __str__(self) -> str:
        return self.subject_name


class Delivery(models.Model):
    """One reminder on its way to one place: the owner's mail where `webhook` is empty."""

    reminder = models.ForeignKey(Reminder, on_delete=models.CASCADE, related_name="deliveries")
    webhook = models.ForeignKey(Webhook, null=True, on_delete=models.PROTECT, related_name="deliveries")
    attempts = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField()
    last_attempt_at = models.DateTimeField(null=True)
    delivered_at = models.DateTimeField(null=True)
    dead_at = models.DateTimeField(null=True, help_text=_("Given up; it is sent again by hand only."))
    last_error = models.CharField(max_length=200, blank=True, default="")

    class Meta:
        verbose_name = _("delivery")
        verbose_name_plural = _("deliveries")
        default_permissions = ()
        ordering = ("id",)
        constraints = (
            models.UniqueConstraint(fields=("reminder", "webhook"), name="one_delivery_to_a_webhook"),
            models.UniqueConstraint(
                fields=("reminder",), condition=Q(webhook__isnull=True), name="one_delivery_by_mail"
            ),
            models.CheckConstraint(
                condition=Q(delivered_at__isnull=True) | Q(dead_at__isnull=True),
                name="a_delivery_is_not_delivered_and_dead",
            ),
        )
        indexes = (
            models.Index(
                fields=("next_attempt_at",),
                condition=Q(delivered_at__isnull=True, dead_at__isnull=True),
                name="deliveries_to_make",
            ),
        )

    def __str__(self) -> str:
        return f"delivery {self.pk}"

    @property
    def state(self) -> str:
        """Where it is now, in a word."""
        if self.delivered_at is not None:
            return "delivered"
        return "failed" if self.dead_at is not None else "waiting"
