"""Counts by bucket and caller instead of by address alone. They live for an hour, so none is carried over."""

from django.db import migrations, models

ID = ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"))


class Migration(migrations.Migration):
    dependencies = [("tokens", "0002_permanent_request_log")]
    operations = [
        migrations.DeleteModel(name="RateLimitWindow"),
        migrations.CreateModel(
            name="RateLimitWindow",
            fields=[
                ID,
                ("starts_at", models.DateTimeField()),
                (
                    "bucket",
                    models.CharField(
                        help_text="What is counted: token requests by address, by client, ...", max_length=20
                    ),
                ),
                (
                    "caller",
                    models.CharField(
                        help_text="Address, client id, or a fingerprint of what was typed.", max_length=100
                    ),
                ),
                (
                    "requests",
                    models.PositiveIntegerField(
                        default=0, help_text="Where Redis counts: known for refused ones only."
                    ),
                ),
                ("refused", models.PositiveIntegerField(default=0)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("starts_at", "bucket", "caller"), name="one_count_per_caller_bucket_and_window"
                    )
                ]
            },
        ),
    ]
