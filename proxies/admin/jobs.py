"""Scheduled jobs: last run, next run, result, backlog; run now, pause, resume; and what their runs did."""

from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import localize
from django.utils.timesince import timesince, timeuntil
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop

from proxies import jobs
from proxies.adminkit import Act, PortalAdmin, actor
from proxies.models import JobRun, ScheduledJob
from proxies.sentences import translated

SHOWN_RUNS = 20
# What the jobs of all floors count, for the catalogues of translations.
COUNTED = (
    gettext_noop("answers"),
    gettext_noop("assertions"),
    gettext_noop("configurations"),
    gettext_noop("counted"),
    gettext_noop("counts"),
    gettext_noop("deliveries"),
    gettext_noop("ended"),
    gettext_noop("failed"),
    gettext_noop("families"),
    gettext_noop("forgotten"),
    gettext_noop("given up"),
    gettext_noop("hours"),
    gettext_noop("instances"),
    gettext_noop("published"),
    gettext_noop("refresh keys"),
    gettext_noop("reminders"),
    gettext_noop("retired"),
    gettext_noop("rotated"),
    gettext_noop("rows"),
    gettext_noop("runs"),
    gettext_noop("seals"),
    gettext_noop("seen"),
    gettext_noop("sent"),
    gettext_noop("tokens"),
    gettext_noop("works finished"),
)


def _label(subject: ScheduledJob) -> str:
    return translated(jobs.job_named(subject.name).label)


def _run_now(request: HttpRequest, subject: ScheduledJob, values: dict[str, Any]) -> str:
    jobs.request(subject.name, by=actor(request))
    return _("{thing}: asked for. It starts within seconds, where background work runs.").format(thing=_label(subject))


def _pause(request: HttpRequest, subject: ScheduledJob, values: dict[str, Any]) -> str:
    jobs.pause(subject.name, by=actor(request))
    return _("{thing}: paused.").format(thing=_label(subject))


def _resume(request: HttpRequest, subject: ScheduledJob, values: dict[str, Any]) -> str:
    jobs.resume(subject.name, by=actor(request))
    return _("{thing}: runs by its schedule again.").format(thing=_label(subject))


def _result(run: JobRun) -> str:
    if run.outcome != JobRun.Outcome.DONE:
        return ": ".join(filter(None, (run.get_outcome_display(), run.trouble)))
    counts = [f"{count} {translated(name.replace('_', ' '))}" for name, count in run.counts.items() if count]
    return _("Done: {counts}").format(counts=", ".join(counts) or _("nothing to do"))


def _duration(run: JobRun) -> str:
    if run.duration_ms is None:
        return "-"
    return f"{run.duration_ms:.0f} ms" if run.duration_ms < 10_000 else f"{run.duration_ms / 1000:.0f} s"


def _interval(every: timedelta) -> str:
    now = timezone.now()
    return f"{every.seconds} s" if every < timedelta(minutes=2) else timesince(now - every, now, depth=1)


@admin.register(ScheduledJob)
class ScheduledJobAdmin(PortalAdmin):
    """Every job of the installation."""

    section, place, icon = "System", 10, "job"
    empty_hint = gettext_lazy("Jobs are enlisted when background work starts: make run, or the worker of production.")
    minor = ("duration", "every")
    change_form_template = "admin/proxies/scheduledjob/change_form.html"
    list_display = ("label", "state", "last_run", "result", "duration", "next_run", "every", "backlog")
    list_display_links = ("label",)
    fields = readonly_fields = (
        "label", "what", "state", "last_run", "result", "duration", "next_run", "every", "backlog", "held_by",
        "requested_by", "paused_at", "paused_by",
    )  # fmt: skip
    acts = (
        Act(
            "run",
            gettext_lazy("Run now"),
            _run_now,
            "change_scheduledjob",
            help=gettext_lazy("It starts at the next tick, also while paused."),
        ),
        Act(
            "pause",
            gettext_lazy("Pause"),
            _pause,
            "change_scheduledjob",
            possible=lambda subject: subject.paused_at is None,
        ),
        Act(
            "resume",
            gettext_lazy("Resume"),
            _resume,
            "change_scheduledjob",
            possible=lambda subject: subject.paused_at is not None,
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[ScheduledJob]:
        jobs.enlist()
        return ScheduledJob.objects.filter(name__in=[job.name for job in jobs.registered()])

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """The job and its history."""
        subject = self.get_object(request, object_id)
        context = {**(extra_context or {})}
        if isinstance(subject, ScheduledJob):
            runs = JobRun.objects.filter(job=subject.name).order_by("-started_at", "-pk")[:SHOWN_RUNS]
            context["runs"] = [(run, _result(run), _duration(run)) for run in runs]
            context["all_runs"] = f"{reverse('admin:proxies_jobrun_changelist')}?job={subject.name}"
        return super().change_view(request, object_id, form_url, context)

    def _view(self, row: Any) -> jobs.Overview:
        """Asked once for a row, although every column wants it."""
        if not hasattr(row, "overview"):
            row.overview = jobs.view(jobs.job_named(row.name), row, timezone.now())
        found: jobs.Overview = row.overview
        return found

    @admin.display(description=gettext_lazy("job"), ordering="name")
    def label(self, row: ScheduledJob) -> str:
        return _label(row)

    @admin.display(description=gettext_lazy("what it does"))
    def what(self, row: ScheduledJob) -> str:
        return translated(self._view(row).job.help)

    @admin.display(description=gettext_lazy("state"))
    def state(self, row: ScheduledJob) -> str:
        return translated(self._view(row).state)

    @admin.display(description=gettext_lazy("last run"), ordering="last_run_at")
    def last_run(self, row: ScheduledJob) -> str:
        last = self._view(row).last
        return _("{span} ago").format(span=timesince(last.started_at, timezone.now(), depth=1)) if last else _("never")

    @admin.display(description=gettext_lazy("result"))
    def result(self, row: ScheduledJob) -> str:
        last = self._view(row).last
        return _result(last) if last else "-"

    @admin.display(description=gettext_lazy("took"))
    def duration(self, row: ScheduledJob) -> str:
        last = self._view(row).last
        return _duration(last) if last else "-"

    @admin.display(description=gettext_lazy("next run"))
    def next_run(self, row: ScheduledJob) -> str:
        view, now = self._view(row), timezone.now()
        if view.state == "running":
            return _("now")
        if view.next_at is None:
            return _("paused")
        if view.next_at <= now:
            return _("at the next tick")
        return _("in {span}").format(span=timeuntil(view.next_at, now, depth=1))

    @admin.display(description=gettext_lazy("every"))
    def every(self, row: ScheduledJob) -> str:
        return _interval(self._view(row).job.every)

    @admin.display(description=gettext_lazy("backlog"))
    def backlog(self, row: ScheduledJob) -> str:
        waiting = self._view(row).backlog(timezone.now())
        if waiting is None:
            return "-"
        told: str = localize(waiting)
        return _("{count} or more").format(count=told) if waiting >= jobs.COUNTED_UP_TO else told

    @admin.display(description=gettext_lazy("running at"))
    def held_by(self, row: ScheduledJob) -> str:
        return row.holder.rpartition(":")[0] if self._view(row).state == "running" else "-"


class JobFilter(admin.SimpleListFilter):
    """Which job: those that are registered, without a look at the runs."""

    title, parameter_name = gettext_lazy("job"), "job"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(job.name, translated(job.label)) for job in jobs.registered()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(job=self.value()) if self.value() else queryset


@admin.register(JobRun)
class JobRunAdmin(PortalAdmin):
    """The history of all jobs."""

    section, place, icon = "System", 20, "history"
    empty_hint = gettext_lazy("Each run of a job is listed here. Start background work, or run a job by hand.")
    minor = ("duration", "node")
    list_display = ("started_at", "job", "outcome", "result", "duration", "node")
    list_filter = (JobFilter, "outcome")
    ordering = ("-started_at", "-pk")

    @admin.display(description=gettext_lazy("result"))
    def result(self, run: JobRun) -> str:
        return _result(run)

    @admin.display(description=gettext_lazy("took"))
    def duration(self, run: JobRun) -> str:
        return _duration(run)
