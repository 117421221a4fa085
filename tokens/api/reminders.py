"""`/api/v1/reminders/` and `/api/v1/webhooks/`: what owners were told, and who is told beside them (D43)."""

# ruff: noqa: ARG002 - actions are called alike

from typing import ClassVar

from django.db.models import QuerySet
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from proxies.api_scopes import KEYS, READ, WRITE
from proxies.restkit.needs import Need
from proxies.restkit.schema import documented, example
from proxies.restkit.shapes import Confirmed, Exact, Nothing
from proxies.restkit.views import ManagementView
from tokens.api.filters import ReminderFilter, WebhookFilter
from tokens.models import Delivery, Reminder, Webhook
from tokens.reminders import outbox, webhooks
from tokens.reminders.outbound import LONGEST_URL

_CHANGE = "tokens.change_webhook"
_NEW = {"name": "Operations", "url": "https://hooks.example.com/latchkey"}


class DeliveryShape(serializers.ModelSerializer[Delivery]):
    """A reminder on its way to one place: its owner's mail where `webhook` is empty."""

    webhook = serializers.CharField(source="webhook.name", default=None, allow_null=True)
    state = serializers.CharField(help_text="waiting, delivered or failed.")

    class Meta:
        model = Delivery
        fields = ("webhook", "state", "attempts", "next_attempt_at", "last_attempt_at", "delivered_at", "last_error")
        read_only_fields = fields


class ReminderShape(serializers.ModelSerializer[Reminder]):
    """What an owner was reminded of, and how far each sending is."""

    deliveries = DeliveryShape(many=True)

    class Meta:
        model = Reminder
        fields = (
            "id",
            "event_id",
            "kind",
            "stage",
            "subject_id",
            "subject_name",
            "due_at",
            "owner_name",
            "owner_email",
            "created_at",
            "deliveries",
        )
        read_only_fields = fields


class Reminders(ManagementView[Reminder]):
    """The outbox of reminders."""

    queryset = Reminder.objects.all()
    filterset_class = ReminderFilter
    serializer_class = ReminderShape
    lookup_value_regex = "[0-9]{1,18}"
    needs: ClassVar[dict[str, Need]] = {
        "list": Need("tokens.view_reminder", READ),
        "retrieve": Need("tokens.view_reminder", READ),
        "resend": Need("tokens.change_reminder", WRITE, act="resend"),
    }

    def get_queryset(self) -> QuerySet[Reminder]:
        return outbox.with_counts()

    @documented("List reminders", gives=ReminderShape(many=True))
    def list(self, request: Request) -> Response:
        """Newest first."""
        return self.listed()

    @documented("Show a reminder", gives=ReminderShape)
    def retrieve(self, request: Request, pk: str) -> Response:
        """With each place it goes to."""
        return self.shown(self.one(pk))

    @documented("Send a reminder again", takes=Nothing, gives=ReminderShape)
    @action(detail=True, methods=["post"])
    def resend(self, request: Request, pk: str) -> Response:
        """To its owner and every webhook in use, within a minute, under the same event id."""
        self.read(Nothing)
        reminder = self.one(pk)
        outbox.resend(reminder, by=self.by, at=self.now)
        return self.shown(reminder)


class NewWebhookShape(Exact):
    """Name and address."""

    name = serializers.CharField(max_length=100)
    url = serializers.CharField(max_length=LONGEST_URL, help_text="An https address. It is not shown again.")


class ChangedWebhookShape(NewWebhookShape):
    """What is left out stays."""

    name = serializers.CharField(max_length=100, required=False)
    url = serializers.CharField(max_length=LONGEST_URL, required=False)


class WebhookShape(serializers.ModelSerializer[Webhook]):
    """A webhook without its secret and without the path of its address, which may hold one of the receiver."""

    host = serializers.SerializerMethodField()

    class Meta:
        model = Webhook
        fields: tuple[str, ...] = (
            "id",
            "name",
            "host",
            "created_at",
            "earlier_secret_until",
            "paused_at",
            "paused_by",
            "archived_at",
        )
        read_only_fields: tuple[str, ...] = fields

    def get_host(self, webhook: Webhook) -> str:
        return webhooks.host(webhook)


class MadeWebhookShape(WebhookShape):
    """A webhook with its signing secret: in the answer that makes it, and never again."""

    secret = serializers.CharField()

    class Meta(WebhookShape.Meta):
        fields = ("secret", *WebhookShape.Meta.fields)
        read_only_fields = fields


class Webhooks(ManagementView[Webhook]):
    """Webhooks."""

    queryset = Webhook.objects.order_by("-id")
    filterset_class = WebhookFilter
    serializer_class = WebhookShape
    lookup_value_regex = "[0-9]{1,18}"
    not_versioned = ("sealed_secret", "sealed_earlier_secret")
    # Sending a test is the screen's alone: it may take ten seconds, which no transaction of a repeatable POST may.
    needs: ClassVar[dict[str, Need]] = {
        "list": Need("tokens.view_webhook", READ),
        "retrieve": Need("tokens.view_webhook", READ),
        "create": Need("tokens.add_webhook", KEYS, act="add", answers_secret=True),
        "partial_update": Need(_CHANGE, WRITE, act="change", edit=True),
        "rotate_secret": Need(_CHANGE, KEYS, act="rotate-secret", answers_secret=True),
        "pause": Need(_CHANGE, WRITE, act="pause"),
        "resume": Need(_CHANGE, WRITE, act="resume"),
        "archive": Need(_CHANGE, WRITE, act="archive", dangerous=True),
    }

    @documented("List webhooks", gives=WebhookShape(many=True))
    def list(self, request: Request) -> Response:
        """Newest first, archived ones too."""
        return self.listed()

    @documented("Show a webhook", gives=WebhookShape)
    def retrieve(self, request: Request, pk: str) -> Response:
        """Without its secret, which is shown once."""
        return self.shown(self.one(pk))

    @documented(
        "Add a webhook",
        takes=NewWebhookShape,
        gives=MadeWebhookShape,
        status=201,
        examples=[example("For a team", _NEW)],
    )
    def create(self, request: Request) -> Response:
        """It is told of every reminder from now on. The answer holds its signing secret, once."""
        made = webhooks.add(by=self.by, at=self.now, **self.read(NewWebhookShape))
        return self.shown(made.webhook, status=201, secret=made.secret)

    @documented("Change a webhook", takes=ChangedWebhookShape, gives=WebhookShape)
    def partial_update(self, request: Request, pk: str) -> Response:
        """Its name or address; the secret stays."""
        values = self.read(ChangedWebhookShape)
        with self.edited(pk) as webhook:
            kept = {"name": webhook.name, "url": webhook.url}
            webhooks.change(webhook, by=self.by, at=self.now, **kept | values)
        return self.shown(webhook)

    @documented("Give a webhook a new secret", takes=Nothing, gives=MadeWebhookShape)
    @action(detail=True, methods=["post"], url_path="rotate-secret")
    def rotate_secret(self, request: Request, pk: str) -> Response:
        """The answer holds it, once. For a day the earlier one signs as well."""
        self.read(Nothing)
        webhook = self.one(pk)
        return self.shown(webhook, secret=webhooks.rotate_secret(webhook, by=self.by, at=self.now))

    @documented("Pause a webhook", takes=Nothing, gives=WebhookShape)
    @action(detail=True, methods=["post"])
    def pause(self, request: Request, pk: str) -> Response:
        """What waits for it waits on; what comes meanwhile is not told to it."""
        self.read(Nothing)
        webhook = self.one(pk)
        webhooks.pause(webhook, by=self.by, at=self.now)
        return self.shown(webhook)

    @documented("Resume a webhook", takes=Nothing, gives=WebhookShape)
    @action(detail=True, methods=["post"])
    def resume(self, request: Request, pk: str) -> Response:
        """Beginning with what waits."""
        self.read(Nothing)
        webhook = self.one(pk)
        webhooks.resume(webhook, by=self.by, at=self.now)
        return self.shown(webhook)

    @documented("Archive a webhook", takes=Confirmed, gives=WebhookShape)
    @action(detail=True, methods=["post"])
    def archive(self, request: Request, pk: str) -> Response:
        """It is told nothing more, for good; its secret and address are erased."""
        values, webhook = self.read(Confirmed), self.one(pk)
        if told := self.impact_or_confirmed(webhook, "archive", values):
            return told
        webhooks.archive(webhook, by=self.by, at=self.now)
        return self.shown(webhook)
